//! The methods of Python's str.

use minijinja::{State, Value};

use super::arguments::{as_text, split, Args, Arguments};
use super::characters::{is_all, is_cased, is_line_end, is_space};
use super::format;
use super::operators::charge;
use super::value::{defined, error, items, kind, pairs, refuse, tuple, Kind, Result};
use crate::letter_case;

pub const METHODS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

/// Python's str.strip without arguments.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Python's str.splitlines.
pub fn split_lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_line_end) {
        let end =
            at + if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
        lines.push(&rest[..if keep_ends { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn texts(parts: Vec<&str>) -> Value {
    parts.into_iter().map(Value::from).collect()
}

/// Calls a method of a text.
pub fn call(state: &State, value: &Value, method: &str, args: Args) -> Result<Value> {
    let text = value.as_str().unwrap_or_default();
    if value.is_safe() {
        return refuse("a method of escaped text");
    }
    charge(state, text.len())?;
    let bind = |args, names: &[&str], required| Arguments::bind(method, args, names, required);
    match method {
        "upper" | "lower" | "title" | "capitalize" | "swapcase" | "casefold" => {
            bind(args, &[], 0)?;
            changed_case(text, method)
        }
        "isalnum" | "isalpha" | "isascii" | "isdecimal" | "isdigit" | "isidentifier" | "islower" | "isnumeric"
        | "isprintable" | "isspace" | "istitle" | "isupper" => {
            bind(args, &[], 0)?;
            is_all(text, method).map(Value::from)
        }
        "strip" | "lstrip" | "rstrip" => {
            let args = bind(args, &["chars"], 0)?;
            Ok(Value::from(stripped(text, args.text(0)?, method)))
        }
        "split" | "rsplit" => {
            let args = bind(args, &["sep", "maxsplit"], 0)?;
            let most = usize::try_from(args.int(1, -1)?).unwrap_or(usize::MAX);
            split_text(text, args.text(0)?, most, method == "rsplit").map(texts)
        }
        "splitlines" => Ok(texts(split_lines(text, bind(args, &["keepends"], 0)?.bool(0, false)))),
        "partition" | "rpartition" => {
            partition(text, as_text(bind(args, &["sep"], 1)?.get(0).unwrap_or(&Value::UNDEFINED))?, method)
        }
        "startswith" | "endswith" => affix(text, &bind(args, &["prefix", "start", "end"], 1)?, method == "startswith"),
        "removeprefix" | "removesuffix" => {
            let args = bind(args, &["affix"], 1)?;
            let affix = args.text(0)?.unwrap_or_default();
            let rest = if method == "removeprefix" { text.strip_prefix(affix) } else { text.strip_suffix(affix) };
            Ok(Value::from(rest.unwrap_or(text)))
        }
        "replace" => {
            let args = bind(args, &["old", "new", "count"], 2)?;
            let count = args.int(2, -1)?;
            replace(state, text, required(&args, 0)?, required(&args, 1)?, count).map(Value::from)
        }
        "count" | "find" | "rfind" | "index" | "rindex" => {
            search(text, &bind(args, &["sub", "start", "end"], 1)?, method)
        }
        "join" => join(state, text, bind(args, &["iterable"], 1)?.get(0).unwrap_or(&Value::UNDEFINED)),
        "format" => {
            let (positional, named) = split(args)?;
            format::str_format(text, &positional, &named).map(Value::from)
        }
        "format_map" => {
            let args = bind(args, &["mapping"], 1)?;
            let mapping = args.get(0).map(pairs).unwrap_or_default();
            let named: Vec<(String, Value)> =
                mapping.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
            format::str_format(text, &[], &named).map(Value::from)
        }
        "zfill" | "ljust" | "rjust" | "center" => filled(text, args, method),
        "expandtabs" => {
            let size = bind(args, &["tabsize"], 0)?.int(0, 8)?;
            expand_tabs(state, text, usize::try_from(size).unwrap_or(0)).map(Value::from)
        }
        "encode" | "translate" | "maketrans" => refuse(format_args!("the method {method} of texts")),
        _ => error(format!("'str object' has no attribute '{method}'")),
    }
}

fn required(args: &Arguments, place: usize) -> Result<&str> {
    as_text(args.get(place).unwrap_or(&Value::UNDEFINED))
}

fn changed_case(text: &str, method: &str) -> Result<Value> {
    Ok(Value::from(match method {
        "upper" => text.to_uppercase(),
        "lower" => text.to_lowercase(),
        "capitalize" => letter_case::capitalize(text),
        "title" => title(text)?,
        "casefold" if text.is_ascii() => text.to_lowercase(),
        "casefold" => return refuse("casefold of letters beyond ASCII"),
        _ if text.is_ascii() => {
            let swapped = |c: char| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            text.chars().map(swapped).collect()
        }
        _ => return refuse("swapcase of letters beyond ASCII"),
    }))
}

/// Python's str.title: a letter behind what is no letter is large, all others are small.
fn title(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if is_cased(c) {
            word.push(c);
        } else {
            out.push_str(&letter_case::capitalize(&word));
            word.clear();
            out.push(c);
        }
    }
    out.push_str(&letter_case::capitalize(&word));
    if text.contains('\u{3a3}') {
        return refuse("title of a text with a capital sigma");
    }
    Ok(out)
}

fn stripped<'a>(text: &'a str, chars: Option<&str>, method: &str) -> &'a str {
    let test = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    match method {
        "strip" => text.trim_matches(test),
        "lstrip" => text.trim_start_matches(test),
        _ => text.trim_end_matches(test),
    }
}

fn split_text<'a>(text: &'a str, separator: Option<&str>, most: usize, from_end: bool) -> Result<Vec<&'a str>> {
    let mut parts: Vec<&str> = match separator {
        Some("") => return error("empty separator"),
        Some(separator) if from_end => text.rsplitn(most.saturating_add(1), separator).collect(),
        Some(separator) => return Ok(text.splitn(most.saturating_add(1), separator).collect()),
        None => return Ok(split_words(text, most, from_end)),
    };
    parts.reverse();
    Ok(parts)
}

fn split_words(text: &str, most: usize, from_end: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if from_end { text.trim_end_matches(is_space) } else { text.trim_start_matches(is_space) };
    while parts.len() < most {
        if from_end {
            let Some((at, space)) = rest.char_indices().rfind(|(_, c)| is_space(*c)) else { break };
            parts.push(&rest[at + space.len_utf8()..]);
            rest = rest[..at].trim_end_matches(is_space);
        } else {
            let Some(at) = rest.find(is_space) else { break };
            parts.push(&rest[..at]);
            rest = rest[at..].trim_start_matches(is_space);
        }
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    if from_end {
        parts.reverse();
    }
    parts
}

fn partition(text: &str, separator: &str, method: &str) -> Result<Value> {
    if separator.is_empty() {
        return error("empty separator");
    }
    let found = if method == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
    let parts = match found {
        Some((before, behind)) => [before, separator, behind],
        None if method == "partition" => [text, "", ""],
        None => ["", "", text],
    };
    Ok(tuple(parts.into_iter().map(Value::from).collect()))
}

/// The part from `start` to `end` as Python's slices take it, and the number of characters before it. None if `start` is
/// behind the end, where not even an empty text is found.
fn range<'a>(text: &'a str, args: &Arguments) -> Result<Option<(&'a str, usize)>> {
    if args.given(1).is_none() && args.given(2).is_none() {
        return Ok(Some((text, 0)));
    }
    let length = text.chars().count() as i128;
    let place = |place: usize, default: i128| -> Result<i128> {
        let value = args.given(place).map_or(Ok(default), super::value::integer)?;
        Ok(if value < 0 { (value + length).max(0) } else { value })
    };
    let (start, end) = (place(1, 0)?, place(2, length)?.min(length));
    if start > end {
        return Ok(None);
    }
    let byte = |place: i128| text.char_indices().nth(place as usize).map_or(text.len(), |(at, _)| at);
    Ok(Some((&text[byte(start)..byte(end)], start as usize)))
}

fn affix(text: &str, args: &Arguments, at_start: bool) -> Result<Value> {
    let wanted = args.get(0).unwrap_or(&Value::UNDEFINED);
    let affixes = match kind(wanted) {
        Kind::Str => vec![wanted.clone()],
        Kind::Tuple => items(wanted)?,
        other => {
            defined(wanted)?;
            return error(format!("startswith first arg must be str or a tuple of str, not {}", other.name()));
        }
    };
    let Some((part, _)) = range(text, args)? else { return Ok(Value::from(false)) };
    for affix in &affixes {
        let affix = as_text(affix)?;
        if if at_start { part.starts_with(affix) } else { part.ends_with(affix) } {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}

/// Python's str.replace; a negative count is no limit.
pub fn replace(state: &State, text: &str, old: &str, new: &str, count: i128) -> Result<String> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let matches = (text.len() / old.len().max(1) + 1).min(most);
    charge(state, matches.saturating_mul(new.len()))?;
    Ok(if most == usize::MAX { text.replace(old, new) } else { text.replacen(old, new, most) })
}

fn search(text: &str, args: &Arguments, method: &str) -> Result<Value> {
    let wanted = required(args, 0)?;
    let part = range(text, args)?;
    if method == "count" {
        let count = match part {
            Some((part, _)) if wanted.is_empty() => part.chars().count() + 1,
            Some((part, _)) => part.matches(wanted).count(),
            None => 0,
        };
        return Ok(Value::from(count));
    }
    let found = part.and_then(|(part, before)| {
        let at = if method.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) };
        at.map(|at| before + part[..at].chars().count())
    });
    match found {
        Some(place) => Ok(Value::from(place)),
        None if method.ends_with("find") => Ok(Value::from(-1)),
        None => error("substring not found"),
    }
}

fn join(state: &State, separator: &str, values: &Value) -> Result<Value> {
    defined(values)?;
    let mut out = String::new();
    for (index, item) in items(values)?.iter().enumerate() {
        if item.is_safe() {
            return refuse("joining escaped text");
        }
        if index > 0 {
            out.push_str(separator);
        }
        match item.as_str() {
            Some(text) => out.push_str(text),
            None => return error(format!("sequence item {index}: expected str instance, {} found", kind(item).name())),
        }
        charge(state, separator.len() + 64)?;
    }
    charge(state, out.len())?;
    Ok(Value::from(out))
}

/// `width` characters of which the text's are at the side that `method` says.
pub fn fill(text: &str, width: usize, with: char, method: &str) -> String {
    let length = text.chars().count();
    let missing = width.saturating_sub(length);
    let some = |count: usize| with.to_string().repeat(count);
    match method {
        "ljust" => text.to_string() + &some(missing),
        "rjust" => some(missing) + text,
        "zfill" => {
            let sign = text.len() - text.trim_start_matches(['+', '-']).len();
            let (sign, digits) = text.split_at(sign.min(1));
            sign.to_string() + &some(missing) + digits
        }
        _ => {
            // CPython puts the odd one to the left if the width is odd.
            let left = missing / 2 + (missing & width & 1);
            some(left) + text + &some(missing - left)
        }
    }
}

const WIDEST: i128 = 10_000;

fn filled(text: &str, args: Args, method: &str) -> Result<Value> {
    let names: &[&str] = if method == "zfill" { &["width"] } else { &["width", "fillchar"] };
    let args = Arguments::bind(method, args, names, 1)?;
    let width = args.int(0, 0)?;
    if width > WIDEST {
        return refuse(format_args!("a width above {WIDEST} in {method}"));
    }
    let mut with = if method == "zfill" { '0' } else { ' ' };
    if names.len() > 1 {
        if let Some(fill) = args.get(1) {
            let fill = as_text(fill)?;
            with = fill.chars().next().unwrap_or(' ');
            if fill.chars().count() != 1 {
                return error("the fill character must be exactly one character long");
            }
        }
    }
    Ok(Value::from(fill(text, usize::try_from(width).unwrap_or(0), with, method)))
}

fn expand_tabs(state: &State, text: &str, size: usize) -> Result<String> {
    if size > WIDEST as usize {
        return refuse(format_args!("a tab size above {WIDEST}"));
    }
    charge(state, text.matches('\t').count().saturating_mul(size))?;
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let count = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(count));
                column += count;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_python() {
        assert_eq!(split_words(" a  b c ", 1, false), ["a", "b c "]);
        assert_eq!(split_words(" a  b c ", 1, true), [" a  b", "c"]);
        assert_eq!(split_words(" a  b ", usize::MAX, false), ["a", "b"]);
        assert_eq!(split_words(" a  b ", usize::MAX, true), ["a", "b"]);
        assert_eq!(split_words("  a b ", 0, false), ["a b "]);
        assert!(split_words("  ", usize::MAX, false).is_empty());
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(split_lines("a\r\nb\x0bc\u{2028}\n", false), ["a", "b", "c", ""]);
        assert_eq!(split_lines("a\r\nb", true), ["a\r\n", "b"]);
    }

    #[test]
    fn texts_are_filled_as_in_python() {
        assert_eq!(fill("ab", 5, ' ', "center"), "  ab ");
        assert_eq!(fill("a", 4, ' ', "center"), " a  ");
        assert_eq!(fill("-4", 5, '0', "zfill"), "-0004");
        assert_eq!(fill("abc", 2, ' ', "rjust"), "abc");
    }
}
