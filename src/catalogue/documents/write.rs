//! Writing a document: the same tree as TOML, in an order of its own, or as JSON.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A table of a document, with the tables below it.
#[derive(Default)]
pub struct Node {
    pub fields: Vec<(&'static str, Value)>,
    pub below: Vec<(&'static str, Vec<Node>)>,
}

impl Node {
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in &self.fields {
            object.insert((*name).to_owned(), value.clone());
        }
        for (name, all) in self.below.iter().filter(|(_, all)| !all.is_empty()) {
            object.insert((*name).to_owned(), all.iter().map(Node::to_json).collect());
        }
        Value::Object(object)
    }

    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        self.write("", &mut text);
        text
    }

    fn write(&self, path: &str, text: &mut String) {
        for (name, value) in &self.fields {
            // Writing into a text does not fail.
            let _ = writeln!(text, "{name} = {}", inline(value));
        }
        for (name, all) in &self.below {
            let own = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
            for node in all {
                let _ = writeln!(text, "\n[[{own}]]");
                node.write(&own, text);
            }
        }
    }
}

/// A value as TOML has it within a line. Texts are written like in JSON: the rest of the control
/// characters, which TOML wants escaped too, are nowhere in the store.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(all) => {
            format!("[{}]", all.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) => {
            let pairs = object.iter().map(|(name, value)| format!("{name} = {}", inline(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
