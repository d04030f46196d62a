//! JSON as Python's json.dumps writes it; minijinja's own filter escapes for HTML.

use std::fmt::Write;

use minijinja::{State, Value};

use crate::chat::printing::float_repr;
use crate::chat::value::{error, items, kind, number, order, pairs, truth, Kind, Result};
use crate::chat::{Args, Arguments};

/// Containers within containers.
const DEEPEST: usize = 200;
const WIDEST: i128 = 1_000;

struct Writer<'a> {
    out: String,
    ascii: bool,
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
    state: &'a State<'a, 'a>,
}

/// The filter `tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`, as transformers defines it.
pub fn tojson(state: &State, value: &Value, args: Args) -> Result<String> {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    let args = Arguments::bind("tojson", args, &names, 0)?;
    let indent = match args.given(1) {
        None => None,
        Some(text) if text.as_str().is_some() => text.as_str().map(String::from),
        Some(_) if args.int(1, 0)? > WIDEST => return error(format!("an indent above {WIDEST} is not supported")),
        Some(_) => Some(" ".repeat(usize::try_from(args.int(1, 0)?).unwrap_or(0))),
    };
    let (item_separator, key_separator) = match args.given(2) {
        Some(separators) => match items(separators)?.as_slice() {
            [item, key] => (text_of(item)?, text_of(key)?),
            _ => return error("separators are two texts"),
        },
        None => (if indent.is_some() { "," } else { ", " }.into(), ": ".into()),
    };
    let (ascii, sort_keys) = (args.bool(0, false), args.bool(3, false));
    let out = String::new();
    let mut writer = Writer { out, ascii, indent, item_separator, key_separator, sort_keys, state };
    writer.value(value, 0)?;
    Ok(writer.out)
}

fn text_of(value: &Value) -> Result<String> {
    value.as_str().map_or_else(|| error("separators are two texts"), |text| Ok(text.into()))
}

fn float(x: f64) -> String {
    if x.is_nan() {
        "NaN".into()
    } else if x.is_infinite() {
        if x > 0.0 { "Infinity" } else { "-Infinity" }.into()
    } else {
        float_repr(x)
    }
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            return error("a value nests too deeply");
        }
        self.state.consume_fuel(1)?;
        match kind(value) {
            Kind::None => self.out.push_str("null"),
            Kind::Bool => self.out.push_str(if truth(value) { "true" } else { "false" }),
            Kind::Int => write!(self.out, "{value}").unwrap_or_default(),
            Kind::Float => self.out.push_str(&float(number(value)?)),
            Kind::Str => self.text(value.as_str().unwrap_or_default())?,
            Kind::List | Kind::Tuple => self.list(&items(value)?, depth)?,
            Kind::Dict => self.dict(value, depth)?,
            other => return error(format!("Object of type {} is not JSON serializable", other.name())),
        }
        Ok(())
    }

    fn new_line(&mut self, depth: usize) -> Result<()> {
        if let Some(indent) = &self.indent {
            self.state.consume_fuel((indent.len() * depth / 64) as u64)?;
            self.out.push('\n');
            self.out.push_str(&indent.repeat(depth));
        }
        Ok(())
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<()> {
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            self.separate(index, depth)?;
            self.value(item, depth + 1)?;
        }
        self.new_line(depth)?;
        self.out.push(']');
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) -> Result<()> {
        if index > 0 {
            self.out.push_str(&self.item_separator);
        }
        self.new_line(depth + 1)
    }

    fn dict(&mut self, dict: &Value, depth: usize) -> Result<()> {
        let mut pairs = pairs(dict);
        if pairs.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        if self.sort_keys {
            sort(&mut pairs)?;
        }
        self.out.push('{');
        for (index, (key, value)) in pairs.iter().enumerate() {
            self.separate(index, depth)?;
            self.key(key)?;
            self.out.push_str(&self.key_separator);
            self.value(value, depth + 1)?;
        }
        self.new_line(depth)?;
        self.out.push('}');
        Ok(())
    }

    fn key(&mut self, key: &Value) -> Result<()> {
        let text = match kind(key) {
            Kind::Str => return self.text(key.as_str().unwrap_or_default()),
            Kind::None => "null".into(),
            Kind::Bool => if truth(key) { "true" } else { "false" }.into(),
            Kind::Int => key.to_string(),
            Kind::Float => float(number(key)?),
            other => return error(format!("keys must be str, int, float, bool or None, not {}", other.name())),
        };
        self.text(&text)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.state.consume_fuel((text.len() / 64) as u64)?;
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\x08' => self.out.push_str("\\b"),
                '\x0c' => self.out.push_str("\\f"),
                '\0'..='\x1f' => self.escaped(c),
                '\x7f'.. if self.ascii => self.escaped(c),
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
        Ok(())
    }

    fn escaped(&mut self, c: char) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(self.out, "\\u{unit:04x}").unwrap_or_default();
        }
    }
}

fn sort(pairs: &mut [(Value, Value)]) -> Result<()> {
    let mut failed = None;
    pairs.sort_by(|(a, _), (b, _)| match order(a, b, "<") {
        Ok(found) => found.unwrap_or(std::cmp::Ordering::Equal),
        Err(error) => {
            failed.get_or_insert(error);
            std::cmp::Ordering::Equal
        }
    });
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    fn dumped(expression: &str) -> String {
        let mut environment = Environment::new();
        environment.add_filter("tojson", super::tojson);
        let compiled = environment.compile_expression(expression).unwrap();
        compiled.eval(()).map_or_else(|error| format!("error: {error}"), |value| value.to_string())
    }

    #[test]
    fn values_are_written_as_pythons_json_does() {
        let cases = [
            ("[1, 1.5, none, true, 'é<\\n'] | tojson", "[1, 1.5, null, true, \"é<\\n\"]"),
            ("'é😀' | tojson(true)", "\"\\u00e9\\ud83d\\ude00\""),
            ("{'b': 1, 'a': [2]} | tojson(sort_keys=true, separators=[',', ':'])", "{\"a\":[2],\"b\":1}"),
            ("{'a': [1, []]} | tojson(indent=1)", "{\n \"a\": [\n  1,\n  []\n ]\n}"),
            ("1e16 | tojson", "1e+16"),
        ];
        for (expression, right) in cases {
            assert_eq!(dumped(expression), right, "{expression}");
        }
    }

    #[test]
    fn other_values_and_arguments_are_errors() {
        for expression in [
            "x | tojson",
            "1 | tojson(sort=1)",
            "{'b': 1, 1: 2} | tojson(sort_keys=true)",
            "[1] | tojson(indent=9999999)",
        ] {
            assert!(dumped(expression).starts_with("error"), "{expression}");
        }
    }
}
