//! One value formatted by a format specifier.

use std::iter::Peekable;
use std::str::Chars;

use minijinja::Value;

use super::value::{error, integer, kind, number, refuse, Kind, Result};

/// The largest width or precision. It bounds what a template of a few bytes can make.
pub const WIDEST: usize = 10_000;

#[derive(Clone, Debug)]
pub struct Spec {
    pub fill: char,
    pub align: Option<char>,
    pub sign: char,
    pub alternate: bool,
    pub width: usize,
    pub grouping: Option<char>,
    pub precision: Option<usize>,
    pub kind: char,
}

impl Default for Spec {
    fn default() -> Self {
        let (fill, sign, kind) = (' ', '-', ' ');
        Spec { fill, align: None, sign, alternate: false, width: 0, grouping: None, precision: None, kind }
    }
}

pub fn digits(chars: &mut Peekable<Chars>) -> Result<Option<usize>> {
    let mut value: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let larger = value.unwrap_or(0) * 10 + digit as usize;
        if larger > WIDEST {
            return refuse(format_args!("a width or precision above {WIDEST} in a format"));
        }
        value = Some(larger);
    }
    Ok(value)
}

/// Puts the text at its place in the width. `sign_length` bytes stay in front if the padding goes behind the sign.
pub fn pad(text: &str, spec: &Spec, default_align: char, sign_length: usize) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    let fill = |count: usize| spec.fill.to_string().repeat(count);
    match spec.align.unwrap_or(default_align) {
        '<' => text.to_string() + &fill(missing),
        '^' => fill(missing / 2) + text + &fill(missing - missing / 2),
        '=' => text[..sign_length].to_string() + &fill(missing) + &text[sign_length..],
        _ => fill(missing) + text,
    }
}

fn grouped(whole: &str, separator: char, every: usize) -> String {
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % every == 0 {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// "1.5e-7" as Rust writes it with an exponent of at least two digits and a sign.
fn with_exponent(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// Type g: fixed or scientific, whichever is shorter, with `precision` significant digits.
fn general(x: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let scientific = format!("{x:.*e}", precision - 1);
    let exponent: i64 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let stripped = |text: &str| {
        if keep_zeros || !text.contains('.') {
            text.to_string()
        } else {
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
    };
    if exponent < -4 || exponent >= precision as i64 {
        let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return with_exponent(&format!("{}e{power}", stripped(mantissa)));
    }
    let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
    stripped(&format!("{x:.decimals$}"))
}

/// The digits of a number that is not negative.
fn float_digits(x: f64, spec: &Spec) -> Result<String> {
    let precision = spec.precision.unwrap_or(6);
    if !x.is_finite() {
        let name = if x.is_nan() { "nan" } else { "inf" };
        return Ok(if spec.kind.is_uppercase() { name.to_uppercase() } else { name.into() });
    }
    Ok(match spec.kind {
        'f' | 'F' => format!("{x:.precision$}"),
        'e' => with_exponent(&format!("{x:.precision$e}")),
        'E' => with_exponent(&format!("{x:.precision$e}")).to_uppercase(),
        'g' => general(x, precision, spec.alternate),
        'G' => general(x, precision, spec.alternate).to_uppercase(),
        '%' => format!("{:.precision$}%", x * 100.0),
        ' ' => match spec.precision {
            None => super::printing::float_repr(x),
            Some(_) => return refuse("a format with a precision and no type for a number"),
        },
        other => return error(format!("unknown format code '{other}' for object of type 'float'")),
    })
}

fn integer_digits(x: u128, spec: &Spec) -> Result<String> {
    let prefix = |mark: &str| if spec.alternate { mark.to_string() } else { String::new() };
    Ok(match spec.kind {
        'd' | ' ' => x.to_string(),
        'x' => prefix("0x") + &format!("{x:x}"),
        'X' => prefix("0X") + &format!("{x:X}"),
        'o' => prefix("0o") + &format!("{x:o}"),
        'b' => prefix("0b") + &format!("{x:b}"),
        other => return error(format!("unknown format code '{other}' for object of type 'int'")),
    })
}

pub fn format_number(value: &Value, spec: &Spec) -> Result<String> {
    let real = kind(value) == Kind::Float || matches!(spec.kind, 'f' | 'F' | 'e' | 'E' | 'g' | 'G' | '%');
    let (negative, mut body) = if real {
        let x = number(value)?;
        (x.is_sign_negative() && !x.is_nan(), float_digits(x.abs(), spec)?)
    } else {
        let x = integer(value)?;
        (x < 0, integer_digits(x.unsigned_abs(), spec)?)
    };
    if let Some(separator) = spec.grouping {
        let every = if matches!(spec.kind, 'x' | 'X' | 'o' | 'b') { 4 } else { 3 };
        if spec.fill == '0' && spec.align == Some('=') || spec.alternate {
            return refuse("a format with separators and leading zeros");
        }
        let end = body.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(body.len());
        let end = if real { body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len()) } else { end };
        body = grouped(&body[..end], separator, every) + &body[end..];
    }
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    Ok(pad(&format!("{sign}{body}"), spec, '>', sign.len()))
}

pub fn cut(text: &str, precision: Option<usize>) -> String {
    precision.map_or_else(|| text.into(), |most| text.chars().take(most).collect())
}
