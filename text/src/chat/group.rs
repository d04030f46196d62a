//! What the filter `groupby` gives: a pair whose parts also have names.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::Value;

/// `(grouper, list)`.
#[derive(Debug)]
pub struct Group {
    grouper: Value,
    list: Value,
}

impl Group {
    pub fn new(grouper: Value, members: Vec<Value>) -> Group {
        Group { grouper, list: Value::from(members) }
    }
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_str(), key.as_usize()) {
            (Some("grouper"), _) | (_, Some(0)) => Some(self.grouper.clone()),
            (Some("list"), _) | (_, Some(1)) => Some(self.list.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }
}
