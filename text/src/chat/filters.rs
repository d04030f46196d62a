//! Jinja2's filters, with Python's results.

use std::cmp::Ordering;

use minijinja::value::Kwargs;
use minijinja::{Environment, State, Value};

use super::arguments::{as_text, split, Args, Arguments};
use super::checks::perform;
use super::format::whole;
use super::group::Group;
use super::methods::{by_path, item_pairs};
use super::operators::charge;
use super::printing::text;
use super::strings;
use super::text_filters;
use super::value::{
    defined, equal, error, generator, int_value, integer, items, kind, length, number, order, pairs, refuse, truth,
    tuple, Kind, Result,
};
use crate::python_json;

/// minijinja's filters that Jinja2 lacks.
const FOREIGN: [&str; 5] = ["bool", "chain", "lines", "split", "zip"];

pub fn add_to(environment: &mut Environment) {
    for name in FOREIGN {
        environment.remove_filter(name);
    }
    text_filters::add_to(environment);
    environment.add_filter("tojson", python_json::tojson);
    for name in ["default", "d"] {
        environment.add_filter(name, default);
    }
    for name in ["length", "count"] {
        environment.add_filter(name, |value: &Value| length(value));
    }
    environment.add_filter("string", |value: &Value| text(value));
    environment.add_filter("list", list);
    environment.add_filter("items", |value: &Value| item_pairs(value));
    environment.add_filter("first", first);
    environment.add_filter("last", last);
    environment.add_filter("reverse", reverse);
    environment.add_filter("abs", absolute);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("round", round);
    environment.add_filter("attr", attr);
    environment.add_filter("join", join);
    environment.add_filter("sum", sum);
    environment.add_filter("min", |value: &Value, args: Args| extreme(value, args, Ordering::Less));
    environment.add_filter("max", |value: &Value, args: Args| extreme(value, args, Ordering::Greater));
    environment.add_filter("sort", sort);
    environment.add_filter("dictsort", dictsort);
    environment.add_filter("unique", unique);
    environment.add_filter("groupby", groupby);
    environment.add_filter("batch", batch);
    environment.add_filter("slice", slices);
    environment.add_filter("map", map);
    environment.add_filter("select", |s: &mut State, v: &Value, args: Args| select(s, v, args, false, true));
    environment.add_filter("reject", |s: &mut State, v: &Value, args: Args| select(s, v, args, false, false));
    environment.add_filter("selectattr", |s: &mut State, v: &Value, args: Args| select(s, v, args, true, true));
    environment.add_filter("rejectattr", |s: &mut State, v: &Value, args: Args| select(s, v, args, true, false));
    environment.add_filter("random", |_: &Value| refuse::<Value>("the filter random"));
    environment.add_filter("pprint", |_: &Value| refuse::<Value>("the filter pprint"));
}

fn default(value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("default", args, &["default_value", "boolean"], 0)?;
    if value.is_undefined() || args.bool(1, false) && !truth(value) {
        return Ok(args.get(0).cloned().unwrap_or_else(|| Value::from("")));
    }
    Ok(value.clone())
}

fn counted(state: &State, value: &Value) -> Result<Vec<Value>> {
    let items = items(value)?;
    state.consume_fuel(items.len() as u64)?;
    Ok(items)
}

fn list(state: &State, value: &Value) -> Result<Value> {
    counted(state, value).map(Value::from)
}

fn first(value: &Value) -> Result<Value> {
    if kind(value) == Kind::Generator {
        return value.try_iter()?.checked().next().unwrap_or(Ok(Value::UNDEFINED));
    }
    Ok(items(value)?.into_iter().next().unwrap_or(Value::UNDEFINED))
}

fn last(value: &Value) -> Result<Value> {
    if kind(value) == Kind::Generator {
        return error("'generator' object is not reversible");
    }
    Ok(items(value)?.pop().unwrap_or(Value::UNDEFINED))
}

fn reverse(state: &State, value: &Value) -> Result<Value> {
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = counted(state, value)?;
    items.reverse();
    Ok(generator(items))
}

fn absolute(value: &Value) -> Result<Value> {
    match kind(value) {
        Kind::Float => Ok(Value::from(number(value)?.abs())),
        Kind::Int | Kind::Bool => Ok(int_value(integer(value)?.saturating_abs())),
        other => {
            defined(value)?;
            error(format!("bad operand type for abs(): '{}'", other.name()))
        }
    }
}

/// Python's int(text, base): spaces around, a sign, underscores between digits, a prefix that fits the base.
fn parse_int(text: &str, base: u32) -> Option<i128> {
    let text = strings::strip(text);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = match base {
        16 => ["0x", "0X"],
        8 => ["0o", "0O"],
        2 => ["0b", "0B"],
        _ => ["", ""],
    };
    let digits = prefix.iter().find_map(|prefix| digits.strip_prefix(prefix)).unwrap_or(digits);
    if digits.starts_with(['+', '-', '_']) || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    i128::from_str_radix(&digits.replace('_', ""), base).ok().map(|value| sign * value)
}

/// Python's float(text).
fn parse_float(text: &str) -> Option<f64> {
    let text = strings::strip(text);
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn int(value: &Value, args: Args) -> Result<Value> {
    defined(value)?;
    let args = Arguments::bind("int", args, &["default", "base"], 0)?;
    let base = u32::try_from(args.int(1, 10)?).unwrap_or(0);
    if !(2..=36).contains(&base) {
        return refuse(format_args!("the base {base} in the filter int"));
    }
    let default = args.get(0).cloned().unwrap_or_else(|| Value::from(0));
    match kind(value) {
        Kind::Str => {
            let text = value.as_str().unwrap_or_default();
            if let Some(value) = parse_int(text, base) {
                return Ok(int_value(value));
            }
            match parse_float(text) {
                Some(x) if x.is_finite() => Ok(int_value(whole(x)?)),
                Some(x) if x.is_infinite() => refuse("the filter int of infinity"),
                _ => Ok(default),
            }
        }
        Kind::Float => match number(value)? {
            x if x.is_finite() => Ok(int_value(whole(x)?)),
            _ => Ok(default),
        },
        Kind::Int | Kind::Bool => Ok(int_value(integer(value)?)),
        _ => Ok(default),
    }
}

fn float(value: &Value, args: Args) -> Result<Value> {
    defined(value)?;
    let args = Arguments::bind("float", args, &["default"], 0)?;
    let parsed = match kind(value) {
        Kind::Str => parse_float(value.as_str().unwrap_or_default()),
        Kind::Float | Kind::Int | Kind::Bool => Some(number(value)?),
        _ => None,
    };
    Ok(parsed.map_or_else(|| args.get(0).cloned().unwrap_or_else(|| Value::from(0.0)), Value::from))
}

/// Python's round: the nearest number of `precision` decimals, the even one of two that are equally near.
fn round(value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("round", args, &["precision", "method"], 0)?;
    let precision = args.int(0, 0)?;
    let method = args.text(1)?.unwrap_or("common");
    if kind(value) != Kind::Float && method == "common" && precision >= 0 {
        return Ok(int_value(integer(value)?));
    }
    if !(-300..=300).contains(&precision) {
        return refuse("the filter round with this precision");
    }
    let x = number(value)?;
    let scale = 10f64.powi(precision as i32);
    match method {
        "ceil" => Ok(Value::from((x * scale).ceil() / scale)),
        "floor" => Ok(Value::from((x * scale).floor() / scale)),
        "common" if kind(value) != Kind::Float => refuse("rounding an integer to tens"),
        "common" if !x.is_finite() => Ok(Value::from(x)),
        "common" if precision >= 0 => {
            let digits = format!("{x:.*}", precision as usize);
            Ok(Value::from(digits.parse::<f64>().unwrap_or(x)))
        }
        "common" => Ok(Value::from((x * scale).round_ties_even() / scale)),
        _ => error("method must be common, ceil or floor"),
    }
}

/// Only attributes, never items.
fn attr(value: &Value, name: &Value) -> Result<Value> {
    defined(value)?;
    let name = as_text(name)?;
    match kind(value) {
        Kind::Namespace | Kind::Other | Kind::Callable => value.get_attr(name),
        _ if name.starts_with("__") => error(format!("access to attribute '{name}' is unsafe")),
        Kind::Str | Kind::Dict | Kind::List | Kind::Tuple | Kind::Int | Kind::Float | Kind::Bool => {
            match super::methods::is_method(kind(value), name) {
                true => refuse(format_args!("the method '{name}' without a call")),
                false => Ok(Value::UNDEFINED),
            }
        }
        _ => Ok(Value::UNDEFINED),
    }
}

fn join(state: &State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("join", args, &["d", "attribute"], 0)?;
    let separator = args.get(0).map_or_else(|| Ok(String::new()), text)?;
    let mut out = String::new();
    for (index, item) in items(value)?.iter().enumerate() {
        let item = args.given(1).map_or_else(|| Ok(item.clone()), |path| by_path(item, path))?;
        if index > 0 {
            out.push_str(&separator);
        }
        let piece = text(&item)?;
        charge(state, separator.len() + piece.len() + 64)?;
        out.push_str(&piece);
    }
    Ok(Value::from(out))
}

fn sum(state: &mut State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("sum", args, &["attribute", "start"], 0)?;
    let mut total = args.get(1).cloned().unwrap_or_else(|| Value::from(0));
    if kind(&total) == Kind::Str {
        return error("sum() can't sum strings [use ''.join(seq) instead]");
    }
    for item in items(value)? {
        let item = args.given(0).map_or_else(|| Ok(item.clone()), |path| by_path(&item, path))?;
        total = state.apply_filter("+", &[total, item])?;
    }
    Ok(total)
}

/// What is compared: texts without regard to case, unless `case_sensitive`.
fn sort_key(item: &Value, path: Option<&Value>, case_sensitive: bool) -> Result<Value> {
    let found = path.map_or_else(|| Ok(item.clone()), |path| by_path(item, path))?;
    Ok(match found.as_str() {
        Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
        _ => found,
    })
}

fn extreme(value: &Value, args: Args, wanted: Ordering) -> Result<Value> {
    let args = Arguments::bind("min or max", args, &["case_sensitive", "attribute"], 0)?;
    let mut best: Option<(Value, Value)> = None;
    for item in items(value)? {
        let key = sort_key(&item, args.given(1), args.bool(0, false))?;
        let better = match &best {
            None => true,
            Some((other, _)) => order(&key, other, "<")? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Value::UNDEFINED, |(_, item)| item))
}

/// A stable sort. Values that cannot be compared are an error.
fn sort_by(mut items: Vec<(Value, Value)>, descending: bool) -> Result<Vec<Value>> {
    let mut failed = None;
    items.sort_by(|(a, _), (b, _)| {
        let (a, b) = if descending { (b, a) } else { (a, b) };
        match order(a, b, "<") {
            Ok(found) => found.unwrap_or(Ordering::Equal),
            Err(error) => {
                failed.get_or_insert(error);
                Ordering::Equal
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(items.into_iter().map(|(_, item)| item).collect()),
    }
}

fn sort(state: &State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("sort", args, &["reverse", "case_sensitive", "attribute"], 0)?;
    let paths: Vec<Value> = match args.given(2) {
        Some(path) if path.as_str().is_some_and(|path| path.contains(',')) => {
            return refuse("sorting by several attributes");
        }
        path => path.cloned().into_iter().collect(),
    };
    let keyed = |item: Value| sort_key(&item, paths.first(), args.bool(1, false)).map(|key| (key, item));
    let items = counted(state, value)?.into_iter().map(keyed).collect::<Result<_>>()?;
    sort_by(items, args.bool(0, false)).map(Value::from)
}

fn dictsort(value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("dictsort", args, &["case_sensitive", "by", "reverse"], 0)?;
    let place = match args.text(1)?.unwrap_or("key") {
        "key" => 0,
        "value" => 1,
        _ => return error("You can only sort by either \"key\" or \"value\""),
    };
    if kind(value) != Kind::Dict {
        defined(value)?;
        return error("dictsort takes a dict");
    }
    let keyed = |(key, value): (Value, Value)| {
        let by = sort_key(if place == 0 { &key } else { &value }, None, args.bool(0, false))?;
        Ok((by, tuple(vec![key, value])))
    };
    let items = pairs(value).into_iter().map(keyed).collect::<Result<_>>()?;
    sort_by(items, args.bool(2, false)).map(Value::from)
}

fn unique(state: &State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("unique", args, &["case_sensitive", "attribute"], 0)?;
    let mut keys: Vec<Value> = Vec::new();
    let mut out = Vec::new();
    'next: for item in counted(state, value)? {
        let key = sort_key(&item, args.given(1), args.bool(0, false))?;
        super::methods::key(&key)?;
        state.consume_fuel(keys.len() as u64)?;
        for other in &keys {
            if equal(other, &key)? {
                continue 'next;
            }
        }
        keys.push(key);
        out.push(item);
    }
    Ok(generator(out))
}

/// Tuples of a value and a list, which also have these as attributes.
fn groupby(state: &State, value: &Value, args: Args) -> Result<Value> {
    let args = Arguments::bind("groupby", args, &["attribute", "default", "case_sensitive"], 1)?;
    let path = args.get(0);
    let mut keyed = Vec::new();
    for item in counted(state, value)? {
        let mut found = path.map_or_else(|| Ok(item.clone()), |path| by_path(&item, path))?;
        if let (true, Some(default)) = (found.is_undefined(), args.get(1)) {
            found = default.clone();
        }
        let key = sort_key(&found, None, args.bool(2, false))?;
        keyed.push((key.clone(), Value::from(vec![key, found, item])));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for entry in sort_by(keyed, false)? {
        let [key, found, item] = [0, 1, 2].map(|place| entry.get_item_by_index(place).unwrap_or_default());
        match groups.last_mut() {
            Some((last, _, members)) if equal(last, &key)? => members.push(item),
            _ => groups.push((key, found, vec![item])),
        }
    }
    Ok(groups.into_iter().map(|(_, found, members)| Value::from_object(Group::new(found, members))).collect())
}

fn parts_args(filter: &str, args: Args) -> Result<(usize, Option<Value>)> {
    let args = Arguments::bind(filter, args, &["count", "fill_with"], 1)?;
    match usize::try_from(args.int(0, 0)?) {
        Ok(count) if count > 0 => Ok((count, args.given(1).cloned())),
        _ => refuse(format_args!("the filter {filter} with this count")),
    }
}

fn batch(state: &State, value: &Value, args: Args) -> Result<Value> {
    let (count, fill) = parts_args("batch", args)?;
    let mut out = Vec::new();
    for chunk in counted(state, value)?.chunks(count) {
        let mut chunk = chunk.to_vec();
        if let Some(fill) = &fill {
            state.consume_fuel((count - chunk.len()) as u64)?;
            chunk.resize(count, fill.clone());
        }
        out.push(Value::from(chunk));
    }
    Ok(generator(out))
}

fn slices(state: &State, value: &Value, args: Args) -> Result<Value> {
    let (count, fill) = parts_args("slice", args)?;
    let items = counted(state, value)?;
    state.consume_fuel(count as u64)?;
    let (each, longer) = (items.len() / count, items.len() % count);
    let mut rest = items.as_slice();
    let mut out = Vec::new();
    for index in 0..count {
        let (part, behind) = rest.split_at(each + usize::from(index < longer));
        let mut part = part.to_vec();
        if let (Some(fill), true) = (&fill, index >= longer && longer > 0) {
            part.push(fill.clone());
        }
        out.push(Value::from(part));
        rest = behind;
    }
    Ok(generator(out))
}

fn map(state: &mut State, value: &Value, args: Args) -> Result<Value> {
    let items = counted(state, value)?;
    let (positional, named) = split(args)?;
    let option = |name: &str| named.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let mut out = Vec::new();
    if let (Some(path), true) = (option("attribute"), positional.is_empty()) {
        if named.iter().any(|(name, _)| name != "attribute" && name != "default") {
            return error("map takes attribute and default");
        }
        for item in &items {
            let found = by_path(item, path)?;
            let missing = found.is_undefined();
            out.push(if missing { option("default").cloned().unwrap_or(Value::UNDEFINED) } else { found });
        }
        return Ok(generator(out));
    }
    let Some((name, rest)) = positional.split_first() else { return error("map requires a filter argument") };
    for item in items {
        let mut all = vec![item];
        all.extend_from_slice(rest);
        if !named.is_empty() {
            all.push(Kwargs::from_iter(named.clone()).into());
        }
        out.push(state.apply_filter(as_text(name)?, &all)?);
    }
    Ok(generator(out))
}

/// select, reject (`wanted` false) and the same by an attribute.
fn select(state: &mut State, value: &Value, args: Args, by_attribute: bool, wanted: bool) -> Result<Value> {
    let items = counted(state, value)?;
    let mut args = args.into_values();
    let path = if !by_attribute {
        None
    } else if args.is_empty() {
        return error("Missing parameter for attribute name");
    } else {
        Some(args.remove(0))
    };
    let mut out = Vec::new();
    for item in items {
        let tested = path.as_ref().map_or_else(|| Ok(item.clone()), |path| by_path(&item, path))?;
        let holds = match args.split_first() {
            Some((name, rest)) => perform(state, name, &tested, rest)?,
            None => truth(&tested),
        };
        if holds == wanted {
            out.push(item);
        }
    }
    Ok(generator(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers_as_in_python() {
        let cases = [(" 42 ", 10, Some(42)), ("1_000", 10, Some(1000)), ("0x1f", 16, Some(31)), ("+7", 10, Some(7))];
        for (text, base, right) in cases {
            assert_eq!(parse_int(text, base), right, "{text}");
        }
        for text in ["", "x", "1__0", "_1", "--1", "0x1f"] {
            assert_eq!(parse_int(text, 10), None, "{text}");
        }
        assert_eq!(parse_float(" 1e3 "), Some(1000.0));
    }

    #[test]
    fn values_without_an_order_do_not_sort() {
        assert!(sort_by(vec![(1.into(), 1.into()), ("a".into(), "a".into())], false).is_err());
    }
}
