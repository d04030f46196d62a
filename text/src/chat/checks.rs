//! Jinja2's tests: what `is` asks for.

use minijinja::{Environment, State, Value};

use super::arguments::as_text;
use super::operators::{contains, ordered};
use super::printing::text;
use super::value::{defined, equal, error, integer, kind, number, refuse, same, Kind, Result};

/// minijinja's tests that Jinja2 lacks.
const FOREIGN: [&str; 4] = ["int", "safe", "startingwith", "endingwith"];

pub fn add_to(environment: &mut Environment) {
    for name in FOREIGN {
        environment.remove_test(name);
    }
    environment.add_test("callable", |value: &Value| kind(value) == Kind::Callable);
    environment.add_test("string", |value: &Value| kind(value) == Kind::Str);
    environment.add_test("number", |value: &Value| kind(value).is_number());
    environment.add_test("integer", |value: &Value| kind(value) == Kind::Int);
    environment.add_test("float", |value: &Value| kind(value) == Kind::Float);
    environment.add_test("boolean", |value: &Value| kind(value) == Kind::Bool);
    environment.add_test("none", |value: &Value| kind(value) == Kind::None);
    environment.add_test("mapping", |value: &Value| kind(value) == Kind::Dict);
    environment.add_test("sequence", |value: &Value| {
        // Undefined has a length and items to Python.
        matches!(kind(value), Kind::Str | Kind::List | Kind::Tuple | Kind::Dict | Kind::Range | Kind::Undefined)
    });
    environment.add_test("iterable", |value: &Value| {
        !matches!(kind(value), Kind::None | Kind::Bool | Kind::Int | Kind::Float | Kind::Callable | Kind::Namespace)
    });
    environment.add_test("escaped", |value: &Value| value.is_safe());
    environment.add_test("true", |value: &Value| kind(value) == Kind::Bool && value.is_true());
    environment.add_test("false", |value: &Value| kind(value) == Kind::Bool && !value.is_true());
    environment.add_test("odd", |value: &Value| remainder(value, 2).map(|rest| rest == 1.0));
    environment.add_test("even", |value: &Value| remainder(value, 2).map(|rest| rest == 0.0));
    environment
        .add_test("divisibleby", |value: &Value, by: &Value| remainder(value, integer(by)?).map(|rest| rest == 0.0));
    environment.add_test("lower", |value: &Value| cased(value, char::is_lowercase, char::is_uppercase));
    environment.add_test("upper", |value: &Value| cased(value, char::is_uppercase, char::is_lowercase));
    environment.add_test("sameas", same_as);
    environment.add_test("in", |item: &Value, of: &Value| contains(of, item));
    for name in ["eq", "equalto", "=="] {
        environment.add_test(name, |a: &Value, b: &Value| equal(a, b));
    }
    for name in ["ne", "!="] {
        environment.add_test(name, |a: &Value, b: &Value| equal(a, b).map(|same| !same));
    }
    let signs = [
        ("lt", "<"),
        ("lessthan", "<"),
        ("<", "<"),
        ("le", "<="),
        ("<=", "<="),
        ("gt", ">"),
        ("greaterthan", ">"),
        (">", ">"),
        ("ge", ">="),
        (">=", ">="),
    ];
    for (name, sign) in signs {
        environment.add_test(name, move |a: &Value, b: &Value| ordered(a, b, sign));
    }
}

fn remainder(value: &Value, by: i128) -> Result<f64> {
    defined(value)?;
    if by == 0 {
        return error("integer modulo by zero");
    }
    match kind(value) {
        Kind::Float => Ok(number(value)?.rem_euclid(by as f64)),
        _ => Ok(integer(value)?.rem_euclid(by) as f64),
    }
}

fn cased(value: &Value, right: fn(char) -> bool, wrong: fn(char) -> bool) -> Result<bool> {
    let text = text(value)?;
    Ok(text.chars().any(right) && !text.chars().any(wrong))
}

/// Python's `is`. Small integers and constants are the same objects; for other texts and numbers Python does not say.
fn same_as(value: &Value, other: &Value) -> Result<bool> {
    let (a, b) = (kind(value), kind(other));
    if a != b {
        return Ok(false);
    }
    match a {
        Kind::None | Kind::Undefined => Ok(true),
        Kind::Bool => Ok(value.is_true() == other.is_true()),
        Kind::Int if !equal(value, other)? => Ok(false),
        Kind::Int if (-5..=256).contains(&integer(value)?) => Ok(true),
        Kind::Str if !equal(value, other)? => Ok(false),
        Kind::List | Kind::Dict | Kind::Namespace | Kind::Callable | Kind::Other => Ok(same(value, other)),
        other => refuse(format_args!("sameas for two equal values of type '{}'", other.name())),
    }
}

/// Calls a test that a filter names.
pub fn perform(state: &mut State, name: &Value, value: &Value, args: &[Value]) -> Result<bool> {
    let mut all = vec![value.clone()];
    all.extend_from_slice(args);
    state.perform_test(as_text(name)?, &all)
}
