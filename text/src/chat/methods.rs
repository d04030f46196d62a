//! Attributes, items and methods of values, as Jinja2's sandbox gives them.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Kwargs, Object, ObjectRepr};
use minijinja::{Environment, State, Value};

use super::arguments::{split, Args, Arguments};
use super::strings;
use super::value::{
    defined, equal, error, generator, integer, items, kind, length, pairs, refuse, tuple, undefined, Kind, Result, View,
};

const DICT_METHODS: &[&str] =
    &["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];
const LIST_METHODS: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
/// What the immutable sandbox refuses.
const CHANGING: &[&str] =
    &["append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"];

pub fn add_to(environment: &mut Environment) {
    environment.add_filter("#attribute", attribute);
    environment.add_filter("#item", item);
    environment.add_filter("#key", key);
    environment.add_filter("#method", method);
    environment.add_filter("#iterate", iterate);
    environment.add_filter("#assigned", |value: &Value, _namespace: &Value| value.clone());
    environment.add_filter("#arguments", macro_arguments);
    environment.add_function("cycler", |args: Args| match split(args)?.0 {
        items if items.is_empty() => error("at least one item has to be provided"),
        items => Ok(Value::from_object(Cycler { items, place: Mutex::new(0) })),
    });
    environment.add_function("joiner", |args: Args| {
        let separator = Arguments::bind("joiner", args, &["sep"], 0)?.get(0).cloned();
        Ok::<_, minijinja::Error>(Value::from_object(Joiner {
            separator: separator.unwrap_or_else(|| Value::from(", ")),
            used: Mutex::new(false),
        }))
    });
}

/// A method by its name without a call: Python has an object for it, which is not made here.
pub fn is_method(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Str => strings::METHODS.contains(&name),
        Kind::Dict => DICT_METHODS.contains(&name),
        Kind::List => LIST_METHODS.contains(&name),
        Kind::Tuple => matches!(name, "count" | "index"),
        Kind::Int | Kind::Float | Kind::Bool => {
            matches!(name, "is_integer" | "bit_length" | "real" | "imag" | "conjugate")
        }
        _ => false,
    }
}

/// `value.name`: an attribute, else an item.
fn attribute(value: &Value, name: &str) -> Result<Value> {
    match kind(value) {
        Kind::Undefined => undefined(),
        Kind::Namespace if name.starts_with('_') => refuse("an attribute that begins with an underscore"),
        kind if is_method(kind, name) => refuse(format_args!("the method '{name}' without a call")),
        Kind::Callable if name == "arguments" => {
            Ok(value.get_attr(name).and_then(|names| items(&names)).map_or(Value::UNDEFINED, tuple))
        }
        Kind::Str | Kind::Int | Kind::Float | Kind::Bool | Kind::None | Kind::View | Kind::Generator => {
            Ok(Value::UNDEFINED)
        }
        Kind::Range if matches!(name, "start" | "stop" | "step" | "count" | "index") => {
            refuse("an attribute of a range")
        }
        _ => value.get_attr(name),
    }
}

/// `value[key]`: an item, else (for a text key) an attribute.
fn item(value: &Value, key: &Value) -> Result<Value> {
    let kind_of_value = kind(value);
    match (kind_of_value, kind(key)) {
        (Kind::Undefined, _) => undefined(),
        (Kind::Str | Kind::List | Kind::Tuple | Kind::Range, Kind::Int | Kind::Bool) => {
            let place = integer(key)?;
            let place = if place < 0 { place + length(value)? as i128 } else { place };
            let Ok(place) = usize::try_from(place) else { return Ok(Value::UNDEFINED) };
            Ok(match value.as_str() {
                Some(text) => text.chars().nth(place).map_or(Value::UNDEFINED, Value::from),
                None => value.get_item_by_index(place)?,
            })
        }
        (Kind::Dict, _) => match value.as_object().and_then(|object| object.get_value(key)) {
            Some(found) => Ok(found),
            None => missing(kind_of_value, key),
        },
        (Kind::Namespace | Kind::Other | Kind::Callable, Kind::Str) => value.get_item(key),
        _ => missing(kind_of_value, key),
    }
}

fn missing(kind: Kind, key: &Value) -> Result<Value> {
    match key.as_str() {
        Some(name) if is_method(kind, name) => refuse(format_args!("the method '{name}' without a call")),
        _ => Ok(Value::UNDEFINED),
    }
}

/// The key of a dict. Lists and dicts have no hash.
pub fn key(key: &Value) -> Result<Value> {
    match kind(key) {
        Kind::List | Kind::Dict => error(format!("unhashable type: '{}'", kind(key).name())),
        Kind::Str | Kind::Int | Kind::Float | Kind::Bool | Kind::None | Kind::Tuple => Ok(key.clone()),
        other => refuse(format_args!("a {} as the key of a dict", other.name())),
    }
}

/// What a `for` goes through: a list, whose length the loop's variables need.
fn iterate(state: &State, value: &Value) -> Result<Value> {
    let items = items(value)?;
    state.consume_fuel(items.len() as u64)?;
    Ok(Value::from(items))
}

/// The arguments of a macro that uses `varargs` or `kwargs`: its own parameters, then these two.
fn macro_arguments(_: &Value, parameters: &Value, args: Args) -> Result<Value> {
    let (mut positional, mut named) = split(args)?;
    let parameters = items(parameters)?;
    let rest = if positional.len() > parameters.len() { positional.split_off(parameters.len()) } else { Vec::new() };
    for name in parameters.iter().skip(positional.len()) {
        let given = named.iter().position(|(known, _)| name.as_str() == Some(known));
        positional.push(given.map_or(Value::UNDEFINED, |place| named.remove(place).1));
    }
    positional.push(tuple(rest));
    positional.push(Value::from_pairs(named.into_iter().filter(|(name, _)| name != "caller")));
    Ok(Value::from(positional))
}

/// `value.name(arguments)`.
fn method(state: &mut State, value: &Value, name: &str, args: Args) -> Result<Value> {
    let kind = kind(value);
    if matches!(kind, Kind::List | Kind::Dict) && CHANGING.contains(&name) {
        return error(format!("access to attribute '{name}' of '{}' object is unsafe", kind.name()));
    }
    if name.starts_with("__") {
        return error(format!("access to attribute '{name}' of '{}' object is unsafe", kind.name()));
    }
    match kind {
        Kind::Undefined => undefined(),
        Kind::Str => strings::call(state, value, name, args),
        Kind::Dict if DICT_METHODS.contains(&name) => dict_method(value, name, args),
        Kind::List | Kind::Tuple | Kind::Range if matches!(name, "count" | "index" | "copy") => {
            list_method(state, value, name, args)
        }
        Kind::Float if name == "is_integer" => Ok(Value::from(f64::try_from(value.clone())?.fract() == 0.0)),
        Kind::Int if name == "bit_length" => Ok(Value::from(128 - integer(value)?.unsigned_abs().leading_zeros())),
        Kind::Dict | Kind::Namespace => {
            let function = value.get_attr(name)?;
            match function.is_undefined() {
                true => error(format!("'{}' object has no attribute '{name}'", kind.name())),
                false => function.call(state, &args.into_values()),
            }
        }
        Kind::Other => value.call_method(state, name, &args.into_values()),
        _ => error(format!("'{}' object has no attribute '{name}'", kind.name())),
    }
}

fn view(name: &'static str, items: Vec<Value>) -> Value {
    Value::from_object(View { name, items })
}

fn dict_method(dict: &Value, name: &str, args: Args) -> Result<Value> {
    let names: &[&str] = if name == "get" { &["key", "default"] } else { &[] };
    let args = Arguments::bind(name, args, names, names.len().min(1))?;
    let pairs = || pairs(dict).into_iter();
    Ok(match name {
        "keys" => view("keys", pairs().map(|(key, _)| key).collect()),
        "values" => view("values", pairs().map(|(_, value)| value).collect()),
        "items" => view("items", pairs().map(|(key, value)| tuple(vec![key, value])).collect()),
        "copy" => Value::from_pairs(pairs()),
        "get" => {
            let wanted = args.get(0).unwrap_or(&Value::UNDEFINED);
            let found = dict.as_object().and_then(|object| object.get_value(wanted));
            found.or_else(|| args.get(1).cloned()).unwrap_or_else(|| Value::from(()))
        }
        other => return refuse(format_args!("the method {other} of dicts")),
    })
}

fn list_method(state: &State, list: &Value, name: &str, args: Args) -> Result<Value> {
    let names: &[&str] = if name == "copy" { &[] } else { &["value"] };
    let args = Arguments::bind(name, args, names, names.len())?;
    let items = items(list)?;
    state.consume_fuel(items.len() as u64)?;
    if name == "copy" {
        return if kind(list) == Kind::List {
            Ok(Value::from(items))
        } else {
            error("only a list has the method copy")
        };
    }
    let wanted = args.get(0).unwrap_or(&Value::UNDEFINED);
    let mut count = 0;
    for (place, item) in items.iter().enumerate() {
        if equal(item, wanted)? {
            if name == "index" {
                return Ok(Value::from(place));
            }
            count += 1;
        }
    }
    if name == "index" {
        return error("the value is not in the list");
    }
    Ok(Value::from(count))
}

// ---- Global functions and their objects ----

/// `dict(mapping or pairs, **named)`.
pub fn dict(args: Args) -> Result<Value> {
    let (positional, named) = split(args)?;
    let mut all = match positional.as_slice() {
        [] => Vec::new(),
        [only] if kind(only) == Kind::Dict => pairs(only),
        [only] => {
            defined(only)?;
            let pair = |pair: Value| match items(&pair)?.as_slice() {
                [key_, value] => Ok((key(key_)?, value.clone())),
                _ => error("dict takes pairs"),
            };
            items(only)?.into_iter().map(pair).collect::<Result<_>>()?
        }
        _ => return error("dict takes one argument without a name"),
    };
    all.extend(named.into_iter().map(|(name, value)| (Value::from(name), value)));
    Ok(Value::from_pairs(all))
}

/// `namespace(mapping, **named)`.
pub fn namespace(args: Args) -> Result<Value> {
    let mut values = Vec::new();
    for (name, value) in pairs(&dict(args)?) {
        match name.as_str() {
            Some(text) if text.starts_with('_') => return refuse("an attribute that begins with an underscore"),
            Some(text) => values.push((text.to_string(), value)),
            None => return refuse("an attribute that is no text"),
        }
    }
    minijinja::functions::namespace(Some(Value::from(Kwargs::from_iter(values)).into()))
}

/// `cycler(...)`.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    place: Mutex<usize>,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let place = *self.place.lock().unwrap_or_else(PoisonError::into_inner);
        (key.as_str() == Some("current")).then(|| self.items[place].clone())
    }

    fn call_method(self: &Arc<Self>, _: &mut State, method: &str, _: &[Value]) -> Result<Value> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match method {
            "next" => {
                let current = self.items[*place].clone();
                *place = (*place + 1) % self.items.len();
                Ok(current)
            }
            "reset" => {
                *place = 0;
                Ok(Value::from(()))
            }
            _ => error(format!("a cycler has no attribute '{method}'")),
        }
    }
}

/// `joiner(sep)`: nothing when it is called first, then the separator.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    used: Mutex<bool>,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State, _: &[Value]) -> Result<Value> {
        let used = std::mem::replace(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner), true);
        Ok(if used { self.separator.clone() } else { Value::from("") })
    }
}

/// An attribute by a path such as "a.b" or a number, as filters take it. What is missing is undefined.
pub fn by_path(value: &Value, path: &Value) -> Result<Value> {
    let Some(path) = path.as_str() else { return item(value, path) };
    let mut found = value.clone();
    for part in path.split('.') {
        let key = part.parse::<i64>().map_or_else(|_| Value::from(part), Value::from);
        found = item(&found, &key)?;
    }
    Ok(found)
}

/// `dict|items`: its pairs, gone through once.
pub fn item_pairs(dict: &Value) -> Result<Value> {
    match kind(dict) {
        Kind::Undefined => Ok(generator(Vec::new())),
        Kind::Dict => Ok(generator(pairs(dict).into_iter().map(|(key, value)| tuple(vec![key, value])).collect())),
        _ => error("can only get item pairs from a mapping"),
    }
}
