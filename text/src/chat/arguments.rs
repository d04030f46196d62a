//! Arguments as Python binds them: by place, then by name.

use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Error, Value};

use super::value::{error, integer, kind, truth, Kind, Result};

/// Arguments as minijinja hands them over.
pub type Args = Rest<ValueOrKwargs>;

pub struct Arguments {
    values: Vec<Option<Value>>,
}

/// Arguments by name, in the order they are given in.
pub type Named = Vec<(String, Value)>;

/// The positional arguments and the named ones.
pub fn split(args: Args) -> Result<(Vec<Value>, Named)> {
    let mut values = args.into_values();
    let named = match values.last() {
        Some(last) if last.is_kwargs() => Kwargs::try_from(values.pop().unwrap_or_default())?,
        _ => return Ok((values, Vec::new())),
    };
    let names: Vec<String> = named.args().map(String::from).collect();
    let pair = |name: String| named.get::<Value>(&name).map(|value| (name.clone(), value));
    Ok((values, names.into_iter().map(pair).collect::<Result<_>>()?))
}

impl Arguments {
    /// Arguments for the parameters `names`, of which the first `required` must be given.
    pub fn bind(function: &str, args: Args, names: &[&str], required: usize) -> Result<Self> {
        let (positional, named) = split(args)?;
        if positional.len() > names.len() {
            let (most, given) = (names.len(), positional.len());
            return error(format!("{function} takes at most {most} arguments, {given} are given"));
        }
        let mut values: Vec<Option<Value>> = positional.into_iter().map(Some).collect();
        values.resize(names.len(), None);
        for (name, value) in named {
            match names.iter().position(|known| *known == name) {
                Some(place) if values[place].is_none() => values[place] = Some(value),
                Some(_) => return error(format!("{function} got the argument '{name}' twice")),
                None => return error(format!("{function} has no argument '{name}'")),
            }
        }
        if let Some(missing) = (0..required).find(|place| values[*place].is_none()) {
            return error(format!("{function} lacks the argument '{}'", names[missing]));
        }
        Ok(Arguments { values })
    }

    pub fn get(&self, place: usize) -> Option<&Value> {
        self.values[place].as_ref()
    }

    /// The argument, but for one that is None.
    pub fn given(&self, place: usize) -> Option<&Value> {
        self.get(place).filter(|value| !value.is_none())
    }

    pub fn text(&self, place: usize) -> Result<Option<&str>> {
        self.given(place).map(|value| as_text(value)).transpose()
    }

    pub fn bool(&self, place: usize, default: bool) -> bool {
        self.get(place).map_or(default, truth)
    }

    pub fn int(&self, place: usize, default: i128) -> Result<i128> {
        self.get(place).map_or(Ok(default), integer)
    }
}

/// A text that must be one.
pub fn as_text(value: &Value) -> Result<&str> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => not_text(value),
    }
}

fn not_text<T>(value: &Value) -> std::result::Result<T, Error> {
    match kind(value) {
        Kind::Undefined => super::value::undefined(),
        other => error(format!("a text is expected, not a value of type '{}'", other.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(args: Vec<Value>) -> Result<Vec<Option<Value>>> {
        Arguments::bind("f", Rest(args.into_iter().map(Value::into).collect()), &["a", "b"], 1)
            .map(|bound| bound.values)
    }

    #[test]
    fn arguments_go_by_place_and_then_by_name() {
        let named: Value = Kwargs::from_iter([("b", Value::from(2))]).into();
        assert_eq!(bound(vec![1.into(), named.clone()]).unwrap(), [Some(1.into()), Some(2.into())]);
        assert_eq!(bound(vec![1.into()]).unwrap(), [Some(1.into()), None]);
        assert!(bound(vec![named.clone()]).is_err());
        assert!(bound(vec![1.into(), 2.into(), 3.into()]).is_err());
        assert!(bound(vec![1.into(), 2.into(), named]).is_err());
    }
}
