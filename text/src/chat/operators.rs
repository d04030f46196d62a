//! Python's operators. `lower` puts these functions in place of minijinja's own.

use std::cmp::Ordering;

use minijinja::value::Rest;
use minijinja::{Environment, State, Value};

use super::format;
use super::printing::text;
use super::value::{
    defined, equal, error, int_value, integer, items, kind, length, number, order, refuse, truth, tuple, Kind, Range,
    Result,
};

pub fn add_to(environment: &mut Environment) {
    environment.add_filter("==", |a: &Value, b: &Value| equal(a, b));
    environment.add_filter("!=", |a: &Value, b: &Value| equal(a, b).map(|same| !same));
    environment.add_filter("<", |a: &Value, b: &Value| ordered(a, b, "<"));
    environment.add_filter("<=", |a: &Value, b: &Value| ordered(a, b, "<="));
    environment.add_filter(">", |a: &Value, b: &Value| ordered(a, b, ">"));
    environment.add_filter(">=", |a: &Value, b: &Value| ordered(a, b, ">="));
    environment.add_filter("#in", |item: &Value, of: &Value| contains(of, item));
    environment.add_filter("#not in", |item: &Value, of: &Value| contains(of, item).map(|found| !found));
    environment.add_filter("#chain", chain);
    environment.add_filter("+", add);
    environment.add_filter("-", |a: &Value, b: &Value| arithmetic(a, b, "-", i128::checked_sub, |x, y| x - y));
    environment.add_filter("*", multiply);
    environment.add_filter("/", divide);
    environment.add_filter("//", floor_divide);
    environment.add_filter("%", remainder);
    environment.add_filter("**", power);
    environment.add_filter("~", |state: &State, a: &Value, b: &Value| {
        let joined = text(a)? + &text(b)?;
        charge(state, joined.len())?;
        Ok::<_, minijinja::Error>(joined)
    });
    environment.add_filter("#neg", negate);
    environment.add_filter("#bool", |value: &Value| truth(value));
    environment.add_filter("#slice", slice);
}

/// `first sign value sign value ...`.
fn chain(state: &mut State, first: &Value, rest: Rest<Value>) -> Result<bool> {
    let mut left = first.clone();
    for link in rest.chunks(2) {
        let [sign, right] = link else { return error("a comparison lacks a value") };
        if !state.apply_filter(sign.as_str().unwrap_or_default(), &[left, right.clone()])?.is_true() {
            return Ok(false);
        }
        left = right.clone();
    }
    Ok(true)
}

/// Pays for what is made: 64 bytes or one item are a step.
pub fn charge(state: &State, bytes: usize) -> Result<()> {
    state.consume_fuel((bytes / 64) as u64)
}

pub fn ordered(a: &Value, b: &Value, sign: &str) -> Result<bool> {
    let Some(found) = order(a, b, sign)? else { return Ok(false) };
    Ok(match sign {
        "<" => found == Ordering::Less,
        "<=" => found != Ordering::Greater,
        ">" => found == Ordering::Greater,
        _ => found != Ordering::Less,
    })
}

pub fn contains(container: &Value, item: &Value) -> Result<bool> {
    match kind(container) {
        Kind::Str => match item.as_str() {
            Some(part) => Ok(container.as_str().unwrap_or_default().contains(part)),
            None => {
                defined(item)?;
                error(format!("'in <string>' requires string as left operand, not {}", kind(item).name()))
            }
        },
        Kind::Dict => Ok(container.as_object().is_some_and(|object| object.get_value(item).is_some())),
        Kind::Undefined => Ok(false),
        Kind::List | Kind::Tuple | Kind::Range | Kind::View | Kind::Generator => {
            for other in items(container)? {
                if equal(&other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        other => error(format!("argument of type '{}' is not iterable", other.name())),
    }
}

fn unsupported<T>(sign: &str, a: &Value, b: &Value) -> Result<T> {
    defined(a)?;
    defined(b)?;
    let (a, b) = (kind(a).name(), kind(b).name());
    error(format!("unsupported operand type(s) for {sign}: '{a}' and '{b}'"))
}

/// Escaped text joins others by escaping them too, which is not done here.
fn not_escaped(a: &Value, b: &Value, sign: &str) -> Result<()> {
    if a.is_safe() || b.is_safe() {
        return refuse(format_args!("'{sign}' with escaped text"));
    }
    Ok(())
}

fn both_numbers(a: &Value, b: &Value) -> bool {
    kind(a).is_number() && kind(b).is_number()
}

fn arithmetic(
    a: &Value,
    b: &Value,
    sign: &str,
    whole: fn(i128, i128) -> Option<i128>,
    real: fn(f64, f64) -> f64,
) -> Result<Value> {
    if !both_numbers(a, b) {
        return unsupported(sign, a, b);
    }
    if kind(a) == Kind::Float || kind(b) == Kind::Float {
        return Ok(Value::from(real(number(a)?, number(b)?)));
    }
    match whole(integer(a)?, integer(b)?) {
        Some(result) => Ok(int_value(result)),
        None => refuse("an integer beyond 128 bits"),
    }
}

fn add(state: &State, a: &Value, b: &Value) -> Result<Value> {
    match (kind(a), kind(b)) {
        (Kind::Str, Kind::Str) => {
            not_escaped(a, b, "+")?;
            let (a, b) = (a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default());
            charge(state, a.len() + b.len())?;
            Ok(Value::from([a, b].concat()))
        }
        (Kind::List, Kind::List) | (Kind::Tuple, Kind::Tuple) => {
            state.consume_fuel((length(a)? + length(b)?) as u64)?;
            let mut all = items(a)?;
            all.extend(items(b)?);
            Ok(if kind(a) == Kind::Tuple { tuple(all) } else { Value::from(all) })
        }
        _ => arithmetic(a, b, "+", i128::checked_add, |x, y| x + y),
    }
}

fn multiply(state: &State, a: &Value, b: &Value) -> Result<Value> {
    let (sequence, times) = match (kind(a), kind(b)) {
        (Kind::Str | Kind::List | Kind::Tuple, Kind::Int | Kind::Bool) => (a, b),
        (Kind::Int | Kind::Bool, Kind::Str | Kind::List | Kind::Tuple) => (b, a),
        _ => return arithmetic(a, b, "*", i128::checked_mul, |x, y| x * y),
    };
    let times = usize::try_from(integer(times)?.max(0)).or_else(|_| error("a text or list is repeated too often"))?;
    if let Some(text) = sequence.as_str() {
        not_escaped(sequence, sequence, "*")?;
        charge(state, text.len().saturating_mul(times))?;
        return Ok(Value::from(text.repeat(times)));
    }
    let items = items(sequence)?;
    state.consume_fuel(items.len().saturating_mul(times) as u64)?;
    let all: Vec<Value> = std::iter::repeat_n(items, times).flatten().collect();
    Ok(if kind(sequence) == Kind::Tuple { tuple(all) } else { Value::from(all) })
}

fn not_zero(b: &Value) -> Result<()> {
    if number(b)? == 0.0 {
        return error("division by zero");
    }
    Ok(())
}

fn divide(a: &Value, b: &Value) -> Result<Value> {
    if !both_numbers(a, b) {
        return unsupported("/", a, b);
    }
    not_zero(b)?;
    Ok(Value::from(number(a)? / number(b)?))
}

/// The quotient and remainder of Python's integers: the remainder has the divisor's sign.
fn floor_parts(a: i128, b: i128) -> Option<(i128, i128)> {
    let (quotient, remainder) = (a.checked_div(b)?, a.checked_rem(b)?);
    if remainder != 0 && (remainder < 0) != (b < 0) {
        Some((quotient - 1, remainder + b))
    } else {
        Some((quotient, remainder))
    }
}

fn float_remainder(x: f64, y: f64) -> f64 {
    let remainder = x % y;
    if remainder == 0.0 {
        0f64.copysign(y)
    } else if (remainder < 0.0) != (y < 0.0) {
        remainder + y
    } else {
        remainder
    }
}

/// As CPython computes it, from the remainder.
fn float_floor(x: f64, y: f64) -> f64 {
    let quotient = (x - float_remainder(x, y)) / y;
    if quotient == 0.0 {
        return 0f64.copysign(x / y);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 {
        floor + 1.0
    } else {
        floor
    }
}

fn floor_divide(a: &Value, b: &Value) -> Result<Value> {
    if both_numbers(a, b) {
        not_zero(b)?;
    }
    arithmetic(a, b, "//", |x, y| floor_parts(x, y).map(|parts| parts.0), float_floor)
}

fn remainder(state: &State, a: &Value, b: &Value) -> Result<Value> {
    if let Some(pattern) = a.as_str() {
        not_escaped(a, b, "%")?;
        let out = format::printf(pattern, b)?;
        charge(state, out.len())?;
        return Ok(Value::from(out));
    }
    if both_numbers(a, b) {
        not_zero(b)?;
    }
    arithmetic(a, b, "%", |x, y| floor_parts(x, y).map(|parts| parts.1), float_remainder)
}

fn power(a: &Value, b: &Value) -> Result<Value> {
    if !both_numbers(a, b) {
        return unsupported("**", a, b);
    }
    if kind(a) != Kind::Float && kind(b) != Kind::Float {
        let (base, exponent) = (integer(a)?, integer(b)?);
        if exponent >= 0 {
            let result = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent));
            return result.map_or_else(|| refuse("an integer beyond 128 bits"), |x| Ok(int_value(x)));
        }
    }
    let (x, y) = (number(a)?, number(b)?);
    if x == 0.0 && y < 0.0 {
        return error("0.0 cannot be raised to a negative power");
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y.fract() != 0.0 {
        return refuse("a complex number");
    }
    let result = x.powf(y);
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        return error("the result of '**' is too large");
    }
    Ok(Value::from(result))
}

fn negate(value: &Value) -> Result<Value> {
    match kind(value) {
        Kind::Float => Ok(Value::from(-number(value)?)),
        Kind::Bool | Kind::Int => match integer(value)?.checked_neg() {
            Some(result) => Ok(int_value(result)),
            None => refuse("an integer beyond 128 bits"),
        },
        other => {
            defined(value)?;
            error(format!("bad operand type for unary -: '{}'", other.name()))
        }
    }
}

fn bound(value: &Value) -> Result<Option<i128>> {
    match kind(value) {
        Kind::None => Ok(None),
        Kind::Bool | Kind::Int => integer(value).map(Some),
        _ => error("slice indices must be integers or None"),
    }
}

/// The places that a slice of a sequence of `length` items takes.
fn places(length: usize, start: &Value, stop: &Value, step: &Value) -> Result<Vec<usize>> {
    let (start, stop, step) = (bound(start)?, bound(stop)?, bound(step)?.unwrap_or(1));
    if step == 0 {
        return error("slice step cannot be zero");
    }
    let length = length as i128;
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |place: i128| (if place < 0 { place.saturating_add(length) } else { place }).clamp(low, high);
    let mut place = start.map_or(if step > 0 { low } else { high }, clamp);
    let end = stop.map_or(if step > 0 { high } else { low }, clamp);
    let mut out = Vec::new();
    while if step > 0 { place < end } else { place > end } {
        out.push(place as usize);
        place = place.saturating_add(step);
    }
    Ok(out)
}

fn slice(state: &State, value: &Value, start: &Value, stop: &Value, step: &Value) -> Result<Value> {
    match kind(value) {
        Kind::Str => {
            let text = value.as_str().unwrap_or_default();
            charge(state, text.len())?;
            let chars: Vec<char> = text.chars().collect();
            let chosen: String =
                places(chars.len(), start, stop, step)?.into_iter().map(|place| chars[place]).collect();
            Ok(if value.is_safe() { Value::from_safe_string(chosen) } else { Value::from(chosen) })
        }
        Kind::List | Kind::Tuple => {
            let items = items(value)?;
            state.consume_fuel(items.len() as u64)?;
            let places = places(items.len(), start, stop, step)?;
            let chosen: Vec<Value> = places.into_iter().map(|place| items[place].clone()).collect();
            Ok(if kind(value) == Kind::Tuple { tuple(chosen) } else { Value::from(chosen) })
        }
        Kind::Range => {
            let Some(range) = value.downcast_object_ref::<Range>() else { return refuse("a slice of this") };
            if bound(step)?.is_some_and(|step| step != 1) {
                return refuse("a slice of a range with a step");
            }
            let places = places(range.count(), start, stop, step)?;
            let first = places.first().map_or(range.start, |place| range.at(*place));
            let stop = first + range.step * places.len() as i64;
            Ok(Value::from_object(Range { start: first, stop, step: range.step }))
        }
        Kind::Undefined => super::value::undefined(),
        _ => Ok(Value::UNDEFINED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_take_pythons_places() {
        let none = Value::from(());
        let of = |start: i64, stop: i64, step: i64| {
            places(6, &Value::from(start), &Value::from(stop), &Value::from(step)).unwrap()
        };
        assert_eq!(of(4, 1, -1), [4, 3, 2]);
        assert_eq!(of(-100, 2, 1), [0, 1]);
        assert_eq!(of(1, 100, 3), [1, 4]);
        assert_eq!(places(3, &none, &none, &Value::from(-1)).unwrap(), [2, 1, 0]);
        assert!(places(3, &none, &none, &Value::from(0)).is_err());
    }

    #[test]
    fn integer_division_goes_down() {
        assert_eq!(floor_parts(-7, 2), Some((-4, 1)));
        assert_eq!(floor_parts(7, -2), Some((-4, -1)));
        assert_eq!(float_floor(-7.5, 2.0), -4.0);
        assert_eq!(float_remainder(-7.5, 2.0), 0.5);
    }
}
