//! Python's two ways of formatting: `pattern % values` and `pattern.format(...)`.

use std::iter::Peekable;
use std::str::Chars;

use minijinja::{Error, Value};

use super::format_spec::{cut, digits, format_number, pad, Spec, WIDEST};
use super::printing::{repr, string_repr, text};
use super::value::{defined, error, integer, items, kind, number, pairs, refuse, Kind, Result};

// ---- str.format ----

fn parse_spec(spec: &str) -> Result<Spec> {
    let mut out = Spec::default();
    let mut chars = spec.chars().peekable();
    let is_align = |c: Option<char>| matches!(c, Some('<' | '>' | '^' | '='));
    if is_align(spec.chars().nth(1)) {
        out.fill = chars.next().unwrap_or(' ');
        out.align = chars.next();
    } else if is_align(spec.chars().next()) {
        out.align = chars.next();
    }
    if let Some(sign) = chars.next_if(|c| matches!(c, '+' | '-' | ' ')) {
        out.sign = sign;
    }
    out.alternate = chars.next_if_eq(&'#').is_some();
    if chars.next_if_eq(&'0').is_some() && out.align.is_none() {
        (out.fill, out.align) = ('0', Some('='));
    }
    out.width = digits(&mut chars)?.unwrap_or(0);
    out.grouping = chars.next_if(|c| matches!(c, ',' | '_'));
    if chars.next_if_eq(&'.').is_some() {
        match digits(&mut chars)? {
            Some(precision) => out.precision = Some(precision),
            None => return error("format specifier missing precision"),
        }
    }
    out.kind = chars.next().unwrap_or(' ');
    if chars.next().is_some() {
        return error(format!("invalid format specifier '{spec}'"));
    }
    Ok(out)
}

fn format_value(value: &Value, spec: &str) -> Result<String> {
    if spec.is_empty() {
        return text(value);
    }
    let mut parsed = parse_spec(spec)?;
    match kind(value) {
        Kind::Str if matches!(parsed.kind, ' ' | 's') => {
            if parsed.align == Some('=') && parsed.fill != '0' || parsed.sign != '-' || parsed.grouping.is_some() {
                return error(format!("invalid format specifier '{spec}' for object of type 'str'"));
            }
            if parsed.align == Some('=') {
                parsed.align = Some('<');
            }
            let body = cut(value.as_str().unwrap_or_default(), parsed.precision);
            Ok(pad(&body, &parsed, '<', 0))
        }
        Kind::Bool if parsed.kind == ' ' => format_number(&Value::from(i64::from(value.is_true())), &parsed),
        Kind::Int if parsed.kind == 'c' => refuse("the format type 'c'"),
        Kind::Bool | Kind::Int | Kind::Float => format_number(value, &parsed),
        other => error(format!("unsupported format string passed to {}", other.name())),
    }
}

/// Positional and named values of a format, and which positional one comes next.
struct Fields<'a> {
    positional: &'a [Value],
    named: &'a [(String, Value)],
    next: usize,
}

impl Fields<'_> {
    fn field(&mut self, path: &str) -> Result<Value> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, mut rest) = path.split_at(end);
        let mut value = self.first(name)?;
        while !rest.is_empty() {
            let key;
            (key, rest) = match rest.strip_prefix('[') {
                Some(inside) => match inside.split_once(']') {
                    Some((key, rest)) => (key, rest),
                    None => return error("missing ']' in format string"),
                },
                None => return refuse("an attribute in a format string"),
            };
            let key = key.parse::<i64>().map_or_else(|_| Value::from(key), Value::from);
            value = value.get_item(&key)?;
            if value.is_undefined() {
                return error("a format string names what does not exist");
            }
        }
        Ok(value)
    }

    fn first(&mut self, name: &str) -> Result<Value> {
        let place = if name.is_empty() {
            self.next += 1;
            Some(self.next - 1)
        } else {
            name.parse::<usize>().ok()
        };
        let found = match place {
            Some(place) => self.positional.get(place),
            None => self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value),
        };
        found.cloned().map_or_else(|| error(format!("a format string lacks the value '{name}'")), Ok)
    }

    fn replacement(&mut self, field: &str) -> Result<String> {
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = name.split_once('!').unwrap_or((name, ""));
        let value = self.field(name)?;
        let spec = self.render(spec, 1)?;
        let converted = match conversion {
            "" => value,
            "r" => Value::from(repr(&value)?),
            "s" => Value::from(text(&value)?),
            _ => return refuse(format_args!("the conversion '!{conversion}'")),
        };
        format_value(&converted, &spec)
    }

    fn render(&mut self, pattern: &str, depth: usize) -> Result<String> {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let mark = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if rest.starts_with(mark) && depth == 0 {
                out.push_str(mark);
                rest = &rest[1..];
                continue;
            }
            if mark == "}" || depth > 1 {
                return error(format!("single '{mark}' encountered in format string"));
            }
            let end = field_end(rest)?;
            out.push_str(&self.replacement(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Where the field's closing brace is. Its format specifier may hold fields.
fn field_end(text: &str) -> Result<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Ok(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    error("expected '}' before end of string")
}

/// `pattern.format(*positional, **named)`.
pub fn str_format(pattern: &str, positional: &[Value], named: &[(String, Value)]) -> Result<String> {
    Fields { positional, named, next: 0 }.render(pattern, 0)
}

// ---- pattern % values ----

/// What the conversions take: the items of a tuple one by one, or the only value, or the values of a dict by name.
struct Operands<'a> {
    values: Vec<Value>,
    next: usize,
    dict: Option<&'a Value>,
}

impl Operands<'_> {
    fn take(&mut self) -> Result<Value> {
        self.next += 1;
        match self.values.get(self.next - 1) {
            Some(value) => Ok(value.clone()),
            None => error("not enough arguments for format string"),
        }
    }

    fn named(&self, name: &str) -> Result<Value> {
        let Some(dict) = self.dict else { return error("format requires a mapping") };
        match pairs(dict).into_iter().find(|(key, _)| key.as_str() == Some(name)) {
            Some((_, value)) => Ok(value),
            None => error(format!("a format lacks the value '{name}'")),
        }
    }

    fn width(&mut self, chars: &mut Peekable<Chars>) -> Result<Option<i128>> {
        if chars.next_if_eq(&'*').is_none() {
            return Ok(digits(chars)?.map(|width| width as i128));
        }
        let width = integer(&self.take()?)?;
        if width.unsigned_abs() > WIDEST as u128 {
            return refuse(format_args!("a width or precision above {WIDEST} in a format"));
        }
        Ok(Some(width))
    }
}

/// `pattern % values` of texts.
pub fn printf(pattern: &str, values: &Value) -> Result<String> {
    defined(values)?;
    let mut operands = match kind(values) {
        Kind::Tuple => Operands { values: items(values)?, next: 0, dict: None },
        Kind::Dict => Operands { values: vec![values.clone()], next: 0, dict: Some(values) },
        _ => Operands { values: vec![values.clone()], next: 0, dict: None },
    };
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '%' {
            out.push_str(&conversion(&mut chars, &mut operands)?);
        } else {
            out.push(c);
        }
    }
    if operands.next < operands.values.len() && !matches!(kind(values), Kind::Dict | Kind::List) {
        return error("not all arguments converted during string formatting");
    }
    Ok(out)
}

fn conversion(chars: &mut Peekable<Chars>, operands: &mut Operands) -> Result<String> {
    let mut spec = Spec::default();
    let mut named = None;
    if chars.next_if_eq(&'(').is_some() {
        let name: String = chars.by_ref().take_while(|c| *c != ')').collect();
        named = Some(operands.named(&name)?);
    }
    let mut zeros = false;
    while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
        match flag {
            '-' => spec.align = Some('<'),
            '#' => spec.alternate = true,
            '0' => zeros = true,
            ' ' if spec.sign == '+' => {}
            sign => spec.sign = sign,
        }
    }
    if let Some(width) = operands.width(chars)? {
        if width < 0 {
            spec.align = Some('<');
        }
        spec.width = width.unsigned_abs() as usize;
    }
    if chars.next_if_eq(&'.').is_some() {
        spec.precision = Some(operands.width(chars)?.unwrap_or(0).max(0) as usize);
    }
    while chars.next_if(|c| matches!(c, 'h' | 'l' | 'L')).is_some() {}
    let Some(kind) = chars.next() else { return error("incomplete format") };
    if kind == '%' {
        return Ok("%".into());
    }
    let value = named.map_or_else(|| operands.take(), Ok)?;
    if zeros && spec.align.is_none() {
        (spec.fill, spec.align) = ('0', Some('='));
    }
    converted(&value, kind, spec)
}

fn converted(value: &Value, conversion: char, mut spec: Spec) -> Result<String> {
    spec.kind = conversion;
    let as_text = |text: String, mut spec: Spec| {
        spec.fill = ' ';
        spec.align = spec.align.filter(|align| *align == '<');
        Ok(pad(&cut(&text, spec.precision), &spec, '>', 0))
    };
    match conversion {
        's' => as_text(text(value)?, spec),
        'r' => as_text(repr(value)?, spec),
        'c' => match value.as_str() {
            Some(text) if text.chars().count() == 1 => as_text(text.into(), Spec { precision: None, ..spec }),
            _ => match u32::try_from(integer(value)?).ok().and_then(char::from_u32) {
                Some(c) => as_text(c.into(), Spec { precision: None, ..spec }),
                None => error("%c requires int or char"),
            },
        },
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let whole = match kind(value) {
                Kind::Float if matches!(conversion, 'd' | 'i' | 'u') => super::value::int_value(whole(number(value)?)?),
                Kind::Bool | Kind::Int => value.clone(),
                other => return error(format!("%{conversion} format: a number is required, not {}", other.name())),
            };
            if spec.precision.is_some() {
                return refuse("a precision for integers in a format");
            }
            spec.kind = if matches!(conversion, 'i' | 'u') { 'd' } else { conversion };
            format_number(&whole, &spec)
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            number(value)?;
            format_number(value, &spec)
        }
        'a' => as_text(ascii_repr(value)?, spec),
        other => error(format!("unsupported format character '{other}'")),
    }
}

fn ascii_repr(value: &Value) -> Result<String> {
    match value.as_str() {
        Some(text) if text.is_ascii() => Ok(string_repr(text)),
        _ => refuse("the conversion 'a'"),
    }
}

/// The integer part of a double.
pub fn whole(x: f64) -> std::result::Result<i128, Error> {
    if !x.is_finite() {
        return error("cannot convert a float that is not finite to integer");
    }
    if x.abs() >= 1e38 {
        return refuse("an integer beyond 128 bits");
    }
    Ok(x.trunc() as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_as_in_python() {
        let cases = [
            ("{:.2f}", 3.14159, "3.14"),
            ("{:e}", 12345.678, "1.234568e+04"),
            ("{:g}", 0.0001, "0.0001"),
            ("{:g}", 1e-5, "1e-05"),
            ("{:%}", 0.25, "25.000000%"),
            ("{:,.1f}", 1234567.25, "1,234,567.2"),
            ("{:+.0f}", 2.5, "+2"),
            ("{:08.2f}", -3.5, "-0003.50"),
        ];
        for (pattern, x, right) in cases {
            assert_eq!(str_format(pattern, &[Value::from(x)], &[]).unwrap(), right, "{pattern}");
        }
    }

    #[test]
    fn what_would_be_huge_is_refused() {
        assert!(str_format("{:>2000000000}", &["x".into()], &[]).is_err());
        assert!(printf("%*d", &super::super::value::tuple(vec![2_000_000_000.into(), 1.into()])).is_err());
        assert!(printf("%2000000000d", &Value::from(1)).is_err());
    }

    #[test]
    fn broken_patterns_are_errors() {
        for pattern in ["{", "}", "{0", "{x}", "{} {}", "{:.}", "{0.upper}", "{0[}"] {
            assert!(str_format(pattern, &["a".into()], &[]).is_err(), "{pattern}");
        }
        for pattern in ["%", "%q", "%s %s", "%(a)s", "none"] {
            assert!(printf(pattern, &Value::from("a")).is_err(), "{pattern}");
        }
    }
}
