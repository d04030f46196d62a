//! Chat templates, rendered as transformers' apply_chat_template renders them with Jinja2.
//!
//! minijinja parses and runs the template. Between the two, `lower` gives the syntax tree Jinja2's meaning where minijinja's
//! differs. What cannot be rendered as Jinja2 renders it is an error with its name, never another text.
//!
//! A template may be a stranger's. Steps are counted and texts are bounded, which stops what runs long; what needs much memory or
//! stack at once is for the caller's limits (the C++ side renders in a process of its own).

mod arguments;
mod characters;
mod checks;
mod filters;
mod format;
mod format_spec;
mod group;
mod lower;
mod methods;
mod operators;
pub mod printing;
mod source;
mod strings;
mod text_filters;
pub mod value;

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;

pub use arguments::{Args, Arguments};
use jiff::civil::Date;
use minijinja::machinery::{self, ast, CodeGenerator};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};

pub struct Message<'a> {
    pub role: &'a str,
    pub content: &'a str,
}

/// A special token by the name of its variable. Listed ones of the same name are a list in their order.
pub struct SpecialToken<'a> {
    pub name: &'a str,
    pub text: &'a str,
    pub listed: bool,
}

/// What `idleheads_chat` holds.
pub struct Chat<'a> {
    pub source: &'a str,
    pub messages: Vec<Message<'a>>,
    pub special_tokens: Vec<SpecialToken<'a>>,
    pub date: &'a str,
    pub add_generation_prompt: bool,
}

/// Steps that a template may take (64 bytes of text count as one), far more than a real one needs.
const FUEL: u64 = 2_000_000;
/// Longest template in bytes: published ones have less than 20 kB.
const LONGEST_SOURCE: usize = 64 << 10;
/// Longest text in bytes that a template may make.
const LONGEST_TEXT: usize = 16 << 20;

/// The error behind raise_exception: its text is for the user as it stands.
#[derive(Debug)]
struct Raised(String);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Raised {}

fn raise_exception(message: &Value) -> Result<Value, Error> {
    Err(Error::from(ErrorKind::InvalidOperation).with_source(Raised(printing::text(message)?)))
}

/// What differs between systems, or shows the time of day's zone, is refused.
fn strftime(date: Date, format: &str) -> Result<String, Error> {
    let mut directives = format.split('%').skip(1);
    while let Some(directive) = directives.next() {
        match directive.trim_start_matches('-').chars().next() {
            None => drop(directives.next()),
            Some('a' | 'A' | 'b' | 'B' | 'd' | 'e' | 'H' | 'I' | 'j' | 'm' | 'M' | 'p' | 'S' | 'y' | 'Y') => {}
            Some('F' | 'T' | 'R' | 'D' | 'U' | 'W' | 'w' | 'u' | 'V' | 'G' | 'h' | 'n' | 't' | 'C') => {}
            Some(other) => return value::refuse(format_args!("%{other} in strftime_now('{format}')")),
        }
    }
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

fn range(args: Args) -> value::Result<Value> {
    let args = arguments::Arguments::bind("range", args, &["start", "stop", "step"], 1)?;
    let bound = |place: usize, default: i128| {
        i64::try_from(args.int(place, default)?).or_else(|_| value::refuse("a range of numbers beyond 64 bits"))
    };
    let first = bound(0, 0)?;
    let (start, stop) = if args.get(1).is_some() { (first, bound(1, 0)?) } else { (0, first) };
    let range = value::Range { start, stop, step: bound(2, 1)? };
    match range {
        value::Range { step: 0, .. } => value::error("range() arg 3 must not be zero"),
        range if range.count() > 100_000 => value::error("Range too big. The sandbox blocks ranges larger than 100000"),
        range => Ok(Value::from_object(range)),
    }
}

fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

fn environment(date: Date) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, _, value| out.write_str(&printing::text(value)?).map_err(Error::from));
    environment.remove_global("debug");
    operators::add_to(&mut environment);
    methods::add_to(&mut environment);
    filters::add_to(&mut environment);
    checks::add_to(&mut environment);
    environment.add_function("range", range);
    environment.add_function("dict", methods::dict);
    environment.add_function("namespace", methods::namespace);
    environment.add_function("lipsum", |_: Args| value::refuse::<Value>("lipsum"));
    environment.add_function(source::GENERATION, |state: &mut minijinja::State, args: Args| {
        let (_, named) = arguments::split(args)?;
        match named.into_iter().find(|(name, _)| name == "caller") {
            Some((_, caller)) => caller.call(state, &[]),
            None => value::error("a generation block has no inside"),
        }
    });
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", move |format: String| strftime(date, &format));
    environment
}

/// The variables that transformers passes. A special token that the tokenizer lacks is not defined.
fn variables(chat: &Chat) -> Value {
    let message = |message: &Message| Value::from_pairs([("role", message.role), ("content", message.content)]);
    let mut variables: BTreeMap<&str, Value> = BTreeMap::from([
        ("messages", chat.messages.iter().map(message).collect()),
        ("tools", Value::from(())),
        ("documents", Value::from(())),
        ("add_generation_prompt", Value::from(chat.add_generation_prompt)),
    ]);
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for token in &chat.special_tokens {
        if token.listed {
            lists.entry(token.name).or_default().push(Value::from(token.text));
        } else {
            variables.insert(token.name, Value::from(token.text));
        }
    }
    variables.extend(lists.into_iter().map(|(name, tokens)| (name, Value::from(tokens))));
    Value::from_pairs(variables)
}

pub fn render(chat: &Chat) -> Result<String, String> {
    let date: Date = chat.date.parse().map_err(|_| format!("the date '{}' is not YYYY-MM-DD", chat.date))?;
    if chat.source.len() > LONGEST_SOURCE {
        return Err(format!(
            "it has {} bytes, and templates of more than {LONGEST_SOURCE} are not read",
            chat.source.len()
        ));
    }
    let source = source::prepare(chat.source)?;
    let said = |error: Error| describe(&error);
    let parsed = machinery::parse(&source, "template", syntax().map_err(said)?).map_err(said)?;
    let template = lower::lower(&parsed)?;
    run(&source, &template, chat, &environment(date)).map_err(said)
}

fn run(source: &str, template: &ast::Stmt, chat: &Chat, environment: &Environment) -> Result<String, Error> {
    value::reset_visits();
    let mut generator = CodeGenerator::new("template", source);
    generator.compile_stmt(template);
    let (instructions, blocks) = generator.finish();
    let mut text = String::new();
    let mut output = machinery::make_string_output(&mut text);
    machinery::eval(environment, &instructions, variables(chat), &blocks, &mut output, AutoEscape::None)?;
    if text.len() > LONGEST_TEXT {
        return value::error(format!("the text has {} bytes, and the most is {LONGEST_TEXT}", text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(source: &str) -> Result<String, String> {
        let messages = vec![Message { role: "user", content: "Hi" }];
        let special_tokens =
            [("bos_token", "<s>"), ("additional_special_tokens", "<a>"), ("additional_special_tokens", "<b>")];
        let special_tokens =
            special_tokens.map(|(name, text)| SpecialToken { name, text, listed: name.ends_with('s') }).into();
        render(&Chat { source, messages, special_tokens, date: "2024-07-26", add_generation_prompt: true })
    }

    #[test]
    fn special_tokens_are_variables() {
        let source = "{{ bos_token }}{{ eos_token is defined }}{{ additional_special_tokens }}";
        assert_eq!(rendered(source).unwrap(), "<s>False['<a>', '<b>']");
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let cases = [
            ("{% include 'x' %}", "include"),
            ("{{ 2 ** 200 }}", "128 bits"),
            ("{{ 'a'.encode() }}", "encode"),
            ("{{ messages[0].items }}", "'items' without a call"),
            ("{{ [1]|random }}", "random"),
            ("{{ self }}", "self"),
            ("{% autoescape true %}{% endautoescape %}", "autoescape"),
            ("{{ strftime_now('%c') }}", "%c"),
        ];
        for (source, name) in cases {
            let error = rendered(source).unwrap_err();
            assert!(error.contains(name) && error.ends_with("not supported"), "{source}: {error}");
        }
    }

    #[test]
    fn the_templates_own_error_stands_as_it_is() {
        assert_eq!(rendered("{{ raise_exception('Roles!') }}").unwrap_err(), "Roles!");
    }

    #[test]
    fn long_sources_and_texts_are_errors() {
        assert!(rendered(&"x".repeat(LONGEST_SOURCE + 1)).unwrap_err().contains("65537 bytes"));
        assert!(rendered("{{ 'x' * 17000000 }}").unwrap_err().contains("the most is 16777216"));
        assert!(rendered("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}").is_err());
    }
}
