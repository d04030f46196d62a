//! Chat templates, rendered as transformers' apply_chat_template renders them with jinja2.

use std::error::Error as StdError;
use std::fmt;

use jiff::civil::Date;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};
use minijinja_contrib::pycompat;

use crate::python_json;

pub struct Message<'a> {
    pub role: &'a str,
    pub content: &'a str,
}

/// What `idleheads_chat` holds.
pub struct Chat<'a> {
    pub source: &'a str,
    pub messages: Vec<Message<'a>>,
    pub bos_token: &'a str,
    pub eos_token: &'a str,
    pub date: &'a str,
    pub add_generation_prompt: bool,
}

/// Steps that a template may take (64 bytes of text count as one), far more than a real one needs: a template can neither
/// hang the program nor fill the memory.
const FUEL: u64 = 2_000_000;

/// The error behind raise_exception: its text is for the user as it stands.
#[derive(Debug)]
struct Raised(String);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Raised {}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::from(ErrorKind::InvalidOperation).with_source(Raised(message)))
}

fn strftime(date: Date, format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, date.at(0, 0, 0, 0))
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now('{format}'): {error}")))
}

fn describe(error: &Error) -> String {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(raised) = current.downcast_ref::<Raised>() {
            return raised.0.clone();
        }
        cause = current.source();
    }
    let place = error.line().map_or(String::new(), |line| format!("line {line}: "));
    let detail = error.detail().map_or(String::new(), |detail| format!(": {detail}"));
    format!("{place}{}{detail}", error.kind())
}

fn environment(date: Date) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(pycompat::unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("tojson", python_json::tojson);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", move |format: String| strftime(date, &format));
    Ok(environment)
}

/// The variables that transformers passes. A special token that the tokenizer lacks is not defined.
fn variables(chat: &Chat) -> Value {
    let message = |message: &Message| Value::from_pairs([("role", message.role), ("content", message.content)]);
    let mut variables = vec![
        ("messages", chat.messages.iter().map(message).collect()),
        ("tools", Value::from(())),
        ("documents", Value::from(())),
        ("add_generation_prompt", Value::from(chat.add_generation_prompt)),
    ];
    for (name, token) in [("bos_token", chat.bos_token), ("eos_token", chat.eos_token)] {
        if !token.is_empty() {
            variables.push((name, Value::from(token)));
        }
    }
    Value::from_pairs(variables)
}

pub fn render(chat: &Chat) -> Result<String, String> {
    let date: Date = chat.date.parse().map_err(|_| format!("the date '{}' is not YYYY-MM-DD", chat.date))?;
    let environment = environment(date).map_err(|error| describe(&error))?;
    let template = environment.template_from_str(chat.source).map_err(|error| describe(&error))?;
    template.render(variables(chat)).map_err(|error| describe(&error))
}
