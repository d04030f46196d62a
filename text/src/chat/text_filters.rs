//! Jinja2's filters of texts.

use minijinja::value::Kwargs;
use minijinja::{Environment, State, Value};

use super::arguments::{as_text, split, Args, Arguments};
use super::characters::is_space;
use super::format::printf;
use super::operators::charge;
use super::printing::{float_repr, text};
use super::strings::{fill, replace, split_lines, strip};
use super::value::{defined, error, integer, items, kind, number, pairs, refuse, tuple, Kind, Result};
use crate::letter_case;

const WIDEST: i128 = 10_000;

pub fn add_to(environment: &mut Environment) {
    environment.add_filter("upper", |value: &Value| kept_safe(value, |text| text.to_uppercase()));
    environment.add_filter("lower", |value: &Value| kept_safe(value, |text| text.to_lowercase()));
    environment.add_filter("capitalize", |value: &Value| kept_safe(value, letter_case::capitalize));
    environment.add_filter("title", |value: &Value| kept_safe(value, title));
    environment.add_filter("trim", trim);
    environment.add_filter("replace", replace_filter);
    environment.add_filter("indent", indent);
    environment.add_filter("center", center);
    environment.add_filter("wordcount", |value: &Value| text(value).map(|text| word_count(&text)));
    environment.add_filter("wordwrap", |_: &Value, _: Args| refuse::<Value>("the filter wordwrap"));
    environment.add_filter("urlize", |_: &Value, _: Args| refuse::<Value>("the filter urlize"));
    environment.add_filter("truncate", truncate);
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("striptags", |value: &Value| text(value).and_then(|text| strip_tags(&text)));
    environment.add_filter("xmlattr", xmlattr);
    environment.add_filter("filesizeformat", file_size);
    environment.add_filter("format", format_filter);
    environment.add_filter("safe", |value: &Value| text(value).map(Value::from_safe_string));
    environment
        .add_filter("forceescape", |value: &Value| text(value).map(|text| Value::from_safe_string(escape(&text))));
    for name in ["escape", "e"] {
        environment.add_filter(name, |value: &Value| match value.is_safe() {
            true => Ok(value.clone()),
            false => text(value).map(|text| Value::from_safe_string(escape(&text))),
        });
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

fn kept_safe(value: &Value, change: impl Fn(&str) -> String) -> Result<Value> {
    let changed = change(&text(value)?);
    Ok(if value.is_safe() { Value::from_safe_string(changed) } else { Value::from(changed) })
}

/// Jinja2's own: words begin behind white space and opening brackets.
fn title(text: &str) -> String {
    let begins = |c: char| is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if begins(c) {
            out.push_str(&capitalized_word(&word));
            word.clear();
            out.push(c);
        } else {
            word.push(c);
        }
    }
    out + &capitalized_word(&word)
}

/// The first letter in upper case (not title case), the others in lower case.
fn capitalized_word(word: &str) -> String {
    let mut chars = word.chars();
    let Some(first) = chars.next() else { return String::new() };
    first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase()
}

fn trim(value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("trim", args, &["chars"], 0)?;
    let chars = args.text(0)?;
    kept_safe(value, |text| match chars {
        Some(chars) => text.trim_matches(|c| chars.contains(c)).to_string(),
        None => strip(text).to_string(),
    })
}

fn replace_filter(state: &State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("replace", args, &["old", "new", "count"], 2)?;
    if value.is_safe() || [0, 1].iter().any(|place| args.get(*place).is_some_and(Value::is_safe)) {
        return refuse("the filter replace with escaped text");
    }
    let part = |place| args.get(place).map_or_else(|| Ok(String::new()), text);
    let count = args.given(2).map_or(Ok(-1), integer)?;
    replace(state, &text(value)?, &part(0)?, &part(1)?, count).map(Value::from)
}

fn indent(state: &State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("indent", args, &["width", "first", "blank"], 0)?;
    let unit = match args.get(0) {
        Some(width) if width.as_str().is_some() => text(width)?,
        Some(width) if integer(width)? > WIDEST => return refuse(format_args!("an indent above {WIDEST}")),
        Some(width) => " ".repeat(usize::try_from(integer(width)?).unwrap_or(0)),
        None => " ".repeat(4),
    };
    // Jinja2 adds a newline so that a last line of no characters counts.
    let whole = text(value)? + "\n";
    let lines = split_lines(&whole, false);
    charge(state, lines.len().saturating_mul(unit.len()))?;
    let mut out = String::new();
    if args.bool(1, false) {
        out.push_str(&unit);
    }
    let blank = args.bool(2, false);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&unit);
            }
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

fn center(value: &Value, args: Args) -> Result<Value> {
    let width = Arguments::bind("center", args, &["width"], 0)?.int(0, 80)?;
    if width > WIDEST {
        return refuse(format_args!("a width above {WIDEST} in center"));
    }
    kept_safe(value, |text| fill(text, usize::try_from(width).unwrap_or(0), ' ', "center"))
}

/// Runs of letters, digits and underscores.
fn word_count(text: &str) -> usize {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).count()
}

fn truncate(value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("truncate", args, &["length", "killwords", "end", "leeway"], 0)?;
    let whole = text(value)?;
    let end = args.text(2)?.unwrap_or("...");
    let place = |place, default| args.int(place, default).map(|value| usize::try_from(value).unwrap_or(0));
    let length = place(0, 255)?;
    let leeway = if args.given(3).is_some() { place(3, 5)? } else { 5 };
    let end_length = end.chars().count();
    if length < end_length {
        return error(format!("expected length >= {end_length}, got {length}"));
    }
    if whole.chars().count() <= length.saturating_add(leeway) {
        return Ok(Value::from(whole));
    }
    let kept: String = whole.chars().take(length - end_length).collect();
    if args.bool(1, false) {
        return Ok(Value::from(kept + end));
    }
    let words = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    Ok(Value::from(format!("{words}{end}")))
}

fn quoted(text: &str, slash_stays: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b'/' if slash_stays => out.push('/'),
            b' ' if !slash_stays => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn urlencode(value: &Value) -> Result<String> {
    let listed = match kind(value) {
        Kind::Dict => pairs(value).into_iter().map(|(key, value)| tuple(vec![key, value])).collect(),
        Kind::List | Kind::Tuple | Kind::View | Kind::Generator => items(value)?,
        _ => return Ok(quoted(&text(value)?, true)),
    };
    let pair = |pair: &Value| match items(pair)?.as_slice() {
        [key, value] => Ok(format!("{}={}", quoted(&text(key)?, false), quoted(&text(value)?, false))),
        _ => error("urlencode takes pairs"),
    };
    Ok(listed.iter().map(pair).collect::<Result<Vec<_>>>()?.join("&"))
}

/// Without comments and tags, white space as single spaces.
fn strip_tags(text: &str) -> Result<String> {
    let mut out = text.to_string();
    while let Some(start) = out.find("<!--") {
        let Some(end) = out[start + 4..].find("-->") else { break };
        out.replace_range(start..start + 4 + end + 3, "");
    }
    while let Some(start) = out.find('<') {
        let Some(end) = out[start..].find('>') else { break };
        out.replace_range(start..start + end + 1, "");
    }
    if out.contains('&') {
        return refuse("the filter striptags of a text with character references");
    }
    Ok(out.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}

fn xmlattr(value: &Value, args: Args) -> Result<Value> {
    let autospace = Arguments::bind("xmlattr", args, &["autospace"], 0)?.bool(0, true);
    if kind(value) != Kind::Dict {
        defined(value)?;
        return error("xmlattr takes a dict");
    }
    let mut out = String::new();
    for (key, value) in pairs(value) {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let key = as_text(&key)?.to_string();
        if key.is_empty() || key.contains(|c: char| is_space(c) || matches!(c, '/' | '>' | '=')) {
            return error("Invalid character in attribute name");
        }
        if autospace || !out.is_empty() {
            out.push(' ');
        }
        let value = if value.is_safe() { text(&value)? } else { escape(&text(&value)?) };
        out.push_str(&format!("{}=\"{value}\"", escape(&key)));
    }
    Ok(Value::from(out))
}

fn file_size(value: &Value, args: Args) -> Result<String> {
    let binary = Arguments::bind("filesizeformat", args, &["binary"], 0)?.bool(0, false);
    let bytes = match value.as_str() {
        Some(_) => return refuse("the filter filesizeformat of a text"),
        None => number(value)?,
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok("1 Byte".into());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", float_repr(bytes.trunc()).trim_end_matches(".0")));
    }
    let mut unit = base;
    let mut name = 'k';
    for next in "kMGTPEZY".chars() {
        name = next;
        unit *= base;
        if bytes < unit {
            break;
        }
    }
    let suffix = if binary { format!("{}iB", name.to_ascii_uppercase()) } else { format!("{name}B") };
    Ok(format!("{:.1} {suffix}", base * bytes / unit))
}

fn format_filter(state: &State, value: &Value, args: Args) -> Result<String> {
    let (positional, named) = split(args)?;
    if !positional.is_empty() && !named.is_empty() {
        return error("can't handle positional and keyword arguments at the same time");
    }
    let values = if named.is_empty() { tuple(positional) } else { Value::from(Kwargs::from_iter(named)) };
    let values = if values.is_kwargs() { Value::from_pairs(pairs(&values)) } else { values };
    let out = printf(&text(value)?, &values)?;
    charge(state, out.len())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_begin_behind_spaces_and_brackets() {
        assert_eq!(title("it's x-y (z) [a]"), "It's X-Y (Z) [A]");
    }

    #[test]
    fn tags_are_stripped() {
        assert_eq!(strip_tags("<b>a</b>  <!-- <x> -->c").unwrap(), "a c");
        assert!(strip_tags("a &amp; b").is_err());
    }

    #[test]
    fn what_is_not_plain_is_quoted() {
        assert_eq!(quoted("a b&c/é", true), "a%20b%26c/%C3%A9");
        assert_eq!(quoted("b c/", false), "b+c%2F");
    }
}
