//! minijinja's values as Python sees them: their types, how they print, how they compare.

use std::cell::Cell;
use std::cmp::Ordering;

use super::group::Group;
use minijinja::value::{Enumerator, Object, ObjectRepr, Tuple, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use std::sync::Arc;

pub type Result<T> = std::result::Result<T, Error>;

/// Containers within containers. Python's own limit is its stack.
const DEEPEST: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Undefined,
    None,
    Bool,
    Int,
    Float,
    Str,
    List,
    Tuple,
    Dict,
    Range,
    View,
    Generator,
    Namespace,
    Callable,
    Other,
}

impl Kind {
    /// Python's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Undefined => "Undefined",
            Kind::None => "NoneType",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Str => "str",
            Kind::List => "list",
            Kind::Tuple => "tuple",
            Kind::Dict => "dict",
            Kind::Range => "range",
            Kind::View => "dict view",
            Kind::Generator => "generator",
            Kind::Namespace => "Namespace",
            Kind::Callable => "function",
            Kind::Other => "object",
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Kind::Bool | Kind::Int | Kind::Float)
    }
}

pub fn kind(value: &Value) -> Kind {
    match value.kind() {
        ValueKind::Undefined => Kind::Undefined,
        ValueKind::None => Kind::None,
        ValueKind::Bool => Kind::Bool,
        ValueKind::Number if value.is_integer() => Kind::Int,
        ValueKind::Number => Kind::Float,
        ValueKind::String => Kind::Str,
        ValueKind::Seq if value.is_tuple() || value.downcast_object_ref::<Group>().is_some() => Kind::Tuple,
        ValueKind::Seq if value.downcast_object_ref::<Range>().is_some() => Kind::Range,
        ValueKind::Seq => Kind::List,
        ValueKind::Iterable if value.downcast_object_ref::<View>().is_some() => Kind::View,
        ValueKind::Iterable => Kind::Generator,
        ValueKind::Map => map_kind(value),
        ValueKind::Plain => object_kind(value),
        _ => Kind::Other,
    }
}

fn type_name(value: &Value) -> &'static str {
    value.as_object().map_or("", |object| object.type_name())
}

/// Macros, loops and namespaces are mappings to minijinja.
fn map_kind(value: &Value) -> Kind {
    let name = type_name(value);
    match name.rsplit("::").next().unwrap_or("") {
        "Namespace" => Kind::Namespace,
        "Macro" => Kind::Callable,
        "Loop" => Kind::Other,
        _ => Kind::Dict,
    }
}

fn object_kind(value: &Value) -> Kind {
    let name = type_name(value);
    if name.contains("Function") || name.contains("Macro") || name.contains("Joiner") {
        Kind::Callable
    } else {
        Kind::Other
    }
}

pub fn error<T>(what: impl Into<std::borrow::Cow<'static, str>>) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidOperation, what))
}

/// What cannot be rendered as Jinja2 does it.
pub fn refuse<T>(what: impl std::fmt::Display) -> Result<T> {
    error(format!("{what} is not supported"))
}

pub fn undefined<T>() -> Result<T> {
    Err(Error::from(ErrorKind::UndefinedError))
}

/// An error if the value is undefined.
pub fn defined(value: &Value) -> Result<()> {
    if value.is_undefined() {
        undefined()
    } else {
        Ok(())
    }
}

/// Values that may be visited while going through lists, printing and comparing, far more than a real template needs. Shared parts are visited each
/// time that they occur, so a small value can take for ever.
const MOST_VISITS: u64 = 4_000_000;

thread_local! {
    static VISITS: Cell<u64> = const { Cell::new(0) };
}

/// To be called before a template is rendered.
pub fn reset_visits() {
    VISITS.set(0);
}

/// To be called for each value that is visited.
pub fn visit(depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return error("a value nests too deeply");
    }
    count_visits(1)
}

fn count_visits(count: usize) -> Result<()> {
    VISITS.set(VISITS.get() + count as u64);
    if VISITS.get() > MOST_VISITS {
        return error("the template takes too many steps");
    }
    Ok(())
}

// ---- Objects that minijinja lacks ----

/// Python's range.
#[derive(Debug)]
pub struct Range {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

impl Range {
    pub fn count(&self) -> usize {
        let (low, high) = if self.step > 0 { (self.start, self.stop) } else { (self.stop, self.start) };
        let distance = (i128::from(high) - i128::from(low)).max(0) as u128;
        distance.div_ceil(u128::from(self.step.unsigned_abs())) as usize
    }

    pub fn at(&self, index: usize) -> i64 {
        self.start + self.step * index as i64
    }
}

impl Object for Range {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        key.as_usize().filter(|index| *index < self.count()).map(|index| self.at(index).into())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.count())
    }
}

/// What keys(), values() and items() of a dict give.
#[derive(Debug)]
pub struct View {
    pub name: &'static str,
    pub items: Vec<Value>,
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items.clone())
    }
}

/// A Python generator: it can be gone through once.
pub fn generator(items: Vec<Value>) -> Value {
    Value::make_one_shot_iterator(items.into_iter())
}

// ---- Items ----

/// What a Python `for` goes through.
pub fn items(value: &Value) -> Result<Vec<Value>> {
    match kind(value) {
        Kind::Undefined => Ok(Vec::new()),
        Kind::Str => {
            let text = value.as_str().unwrap_or_default();
            count_visits(text.len())?;
            Ok(text.chars().map(Value::from).collect())
        }
        Kind::List | Kind::Tuple | Kind::Dict | Kind::Range | Kind::View | Kind::Generator => {
            count_visits(value.len().unwrap_or(0))?;
            value.try_iter()?.checked().collect()
        }
        other => error(format!("'{}' object is not iterable", other.name())),
    }
}

/// The pairs of a dict in their order.
pub fn pairs(dict: &Value) -> Vec<(Value, Value)> {
    dict.as_object().and_then(|object| object.try_iter_pairs()).map(Iterator::collect).unwrap_or_default()
}

pub fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::from(items))
}

pub fn length(value: &Value) -> Result<usize> {
    match kind(value) {
        Kind::Undefined => Ok(0),
        Kind::Str => Ok(value.as_str().unwrap_or_default().chars().count()),
        Kind::List | Kind::Tuple | Kind::Dict | Kind::Range | Kind::View => Ok(value.len().unwrap_or(0)),
        other => error(format!("object of type '{}' has no len()", other.name())),
    }
}

/// Python's truth: a namespace is true even if it is empty.
pub fn truth(value: &Value) -> bool {
    match kind(value) {
        Kind::Namespace | Kind::Callable | Kind::Other | Kind::Generator => true,
        _ => value.is_true(),
    }
}

// ---- Numbers and order ----

pub fn integer(value: &Value) -> Result<i128> {
    match kind(value) {
        Kind::Bool => Ok(i128::from(value.is_true())),
        Kind::Int => i128::try_from(value.clone()).or_else(|_| refuse("an integer beyond 128 bits")),
        other => error(format!("'{}' object cannot be interpreted as an integer", other.name())),
    }
}

/// The value of a number as a double.
pub fn number(value: &Value) -> Result<f64> {
    match kind(value) {
        Kind::Float => f64::try_from(value.clone()),
        Kind::Bool | Kind::Int => Ok(integer(value)? as f64),
        other => error(format!("must be real number, not {}", other.name())),
    }
}

/// An integer as a value.
pub fn int_value(value: i128) -> Value {
    i64::try_from(value).map_or_else(|_| Value::from(value), Value::from)
}

/// Python's `==`. Values of different types differ, but for numbers.
pub fn equal(left: &Value, right: &Value) -> Result<bool> {
    equal_within(left, right, 0)
}

fn equal_within(left: &Value, right: &Value, depth: usize) -> Result<bool> {
    visit(depth)?;
    let (a, b) = (kind(left), kind(right));
    if a.is_number() && b.is_number() {
        return Ok(compare_numbers(left, right)? == Some(Ordering::Equal));
    }
    if a != b {
        return Ok(false);
    }
    match a {
        Kind::List | Kind::Tuple => {
            let (x, y) = (items(left)?, items(right)?);
            if x.len() != y.len() {
                return Ok(false);
            }
            for (x, y) in x.iter().zip(&y) {
                if !equal_within(x, y, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Kind::Dict => {
            let pairs = pairs(left);
            if pairs.len() != length(right)? {
                return Ok(false);
            }
            for (key, value) in &pairs {
                match right.as_object().and_then(|object| object.get_value(key)) {
                    Some(other) if equal_within(value, &other, depth + 1)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        Kind::Undefined | Kind::None => Ok(true),
        Kind::Str => Ok(left.as_str() == right.as_str()),
        Kind::Range => {
            let (x, y) = (items(left)?, items(right)?);
            Ok(x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| x.as_i64() == y.as_i64()))
        }
        _ => Ok(same(left, right)),
    }
}

/// Whether both are the same object.
pub fn same(left: &Value, right: &Value) -> bool {
    left.as_object().is_some() && minijinja::tests::is_sameas(left, right)
}

/// None if one is not a number.
fn compare_numbers(left: &Value, right: &Value) -> Result<Option<Ordering>> {
    if kind(left) != Kind::Float && kind(right) != Kind::Float {
        return Ok(Some(integer(left)?.cmp(&integer(right)?)));
    }
    Ok(number(left)?.partial_cmp(&number(right)?))
}

/// Python's order for `sign`: "<", "<=", ">" or ">=". None if a NaN is compared.
pub fn order(left: &Value, right: &Value, sign: &str) -> Result<Option<Ordering>> {
    order_within(left, right, sign, 0)
}

fn order_within(left: &Value, right: &Value, sign: &str, depth: usize) -> Result<Option<Ordering>> {
    visit(depth)?;
    let (a, b) = (kind(left), kind(right));
    defined(left)?;
    defined(right)?;
    if a.is_number() && b.is_number() {
        return compare_numbers(left, right);
    }
    match (a, b) {
        (Kind::Str, Kind::Str) => Ok(Some(left.as_str().cmp(&right.as_str()))),
        (Kind::List, Kind::List) | (Kind::Tuple, Kind::Tuple) => {
            let (x, y) = (items(left)?, items(right)?);
            for (x, y) in x.iter().zip(&y) {
                if !equal_within(x, y, depth + 1)? {
                    return order_within(x, y, sign, depth + 1);
                }
            }
            Ok(Some(x.len().cmp(&y.len())))
        }
        _ => error(format!("'{sign}' not supported between instances of '{}' and '{}'", a.name(), b.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_pythons_length() {
        for (start, stop, step, length) in [(0, 3, 1, 3), (5, 0, -2, 3), (0, 0, 1, 0), (3, 0, 1, 0), (0, 5, 2, 3)] {
            assert_eq!(Range { start, stop, step }.count(), length);
        }
    }

    #[test]
    fn values_of_different_types_have_no_order() {
        assert!(order(&Value::from(1), &Value::from("a"), "<").is_err());
        assert_eq!(order(&Value::from(1), &Value::from(1.5), "<").unwrap(), Some(Ordering::Less));
    }
}
