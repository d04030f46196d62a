//! Values as Python prints them.

use std::fmt::Write;

use minijinja::Value;
use unicode_general_category::{get_general_category, GeneralCategory};

use super::value::{items, kind, number, pairs, refuse, visit, Kind, Range, Result, View};

/// Python's str(value).
pub fn text(value: &Value) -> Result<String> {
    match kind(value) {
        Kind::Str => Ok(value.as_str().unwrap_or_default().into()),
        Kind::Undefined => Ok(String::new()),
        _ => repr(value),
    }
}

/// Python's repr(value). What Python prints with an address in memory is refused.
pub fn repr(value: &Value) -> Result<String> {
    let mut out = String::new();
    write_repr(&mut out, value, 0)?;
    Ok(out)
}

fn write_repr(out: &mut String, value: &Value, depth: usize) -> Result<()> {
    visit(depth)?;
    match kind(value) {
        Kind::Undefined => out.push_str("Undefined"),
        Kind::None => out.push_str("None"),
        Kind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        Kind::Int => write!(out, "{value}").unwrap_or_default(),
        Kind::Float => out.push_str(&float_repr(number(value)?)),
        Kind::Str if value.is_safe() => return refuse("printing escaped text inside a list or dict"),
        Kind::Str => out.push_str(&string_repr(value.as_str().unwrap_or_default())),
        Kind::List => write_items(out, "[", &items(value)?, "]", depth)?,
        Kind::Tuple => {
            let items = items(value)?;
            write_items(out, "(", &items, if items.len() == 1 { ",)" } else { ")" }, depth)?;
        }
        Kind::Dict => write_dict(out, value, depth)?,
        Kind::Range => write_range(out, value),
        Kind::View => {
            if let Some(view) = value.downcast_object_ref::<View>() {
                write!(out, "dict_{}", view.name).unwrap_or_default();
                write_items(out, "([", &view.items, "])", depth)?;
            }
        }
        other => return refuse(format_args!("printing a {}", other.name())),
    }
    Ok(())
}

fn write_items(out: &mut String, open: &str, items: &[Value], close: &str, depth: usize) -> Result<()> {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(out, item, depth + 1)?;
    }
    out.push_str(close);
    Ok(())
}

fn write_dict(out: &mut String, dict: &Value, depth: usize) -> Result<()> {
    out.push('{');
    for (index, (key, value)) in pairs(dict).iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(out, key, depth + 1)?;
        out.push_str(": ");
        write_repr(out, value, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn write_range(out: &mut String, value: &Value) {
    if let Some(range) = value.downcast_object_ref::<Range>() {
        write!(out, "range({}, {}", range.start, range.stop).unwrap_or_default();
        if range.step != 1 {
            write!(out, ", {}", range.step).unwrap_or_default();
        }
        out.push(')');
    }
}

/// The shortest digits that read back as the same number, with an exponent below 1e-4 and from 1e16.
pub fn float_repr(x: f64) -> String {
    if !x.is_finite() {
        return if x.is_nan() {
            "nan".into()
        } else if x > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let scientific = format!("{x:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if x != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    let plain = format!("{x}");
    if plain.contains('.') {
        plain
    } else {
        plain + ".0"
    }
}

fn is_printable(c: char) -> bool {
    use GeneralCategory::*;
    c == ' '
        || !matches!(
            get_general_category(c),
            Control
                | Format
                | Surrogate
                | PrivateUse
                | Unassigned
                | LineSeparator
                | ParagraphSeparator
                | SpaceSeparator
        )
}

pub fn all_printable(text: &str) -> bool {
    text.chars().all(is_printable)
}

pub fn string_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            _ if is_printable(c) => out.push(c),
            _ => match u32::from(c) {
                code @ 0..=0xff => write!(out, "\\x{code:02x}").unwrap_or_default(),
                code @ 0x100..=0xffff => write!(out, "\\u{code:04x}").unwrap_or_default(),
                code => write!(out, "\\U{code:08x}").unwrap_or_default(),
            },
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_python() {
        let cases = [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0.0"),
            (1.5e300, "1.5e+300"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (x, right) in cases {
            assert_eq!(float_repr(x), right);
        }
    }

    #[test]
    fn strings_print_as_in_python() {
        assert_eq!(string_repr("it's"), "\"it's\"");
        assert_eq!(string_repr("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(string_repr("\u{7f}\u{200b}\u{e000}\u{10ffff}é"), "'\\x7f\\u200b\\ue000\\U0010ffffé'");
    }
}
