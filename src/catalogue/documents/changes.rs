//! What of a document is another than before, by the names of its tables.

use super::{Change, Turned};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The tables below a service, with what they are known by.
const BELOW: [(&str, &[&str]); 3] =
    [("property", &["name"]), ("plan", &["code"]), ("rule", &["event", "key"])];

pub fn differences(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    for new in after["service"].as_array().into_iter().flatten() {
        let code = new["code"].as_str().unwrap_or_default();
        let old = same(before, "service", &["code"], new);
        note(&mut changes, code, String::new(), old, new);
        for (kind, keys) in BELOW {
            let said = |each: &Value| {
                let names = keys.iter().filter_map(|key| each[*key].as_str());
                format!("{kind} {}", names.collect::<Vec<_>>().join(" "))
            };
            for each in new[kind].as_array().into_iter().flatten() {
                let was = old.and_then(|old| same(old, kind, keys, each));
                note(&mut changes, code, said(each), was, each);
            }
            let gone = old.into_iter().flat_map(|old| old[kind].as_array()).flatten();
            for each in gone.filter(|each| same(new, kind, keys, each).is_none()) {
                changes.push(Change {
                    service: code.to_owned(),
                    what: said(each),
                    change: "removed",
                    keys: Vec::new(),
                    values: Vec::new(),
                });
            }
        }
    }
    changes
}

fn same<'v>(tree: &'v Value, list: &str, keys: &[&str], like: &Value) -> Option<&'v Value> {
    tree[list].as_array()?.iter().find(|each| keys.iter().all(|key| each[*key] == like[*key]))
}

fn note(changes: &mut Vec<Change>, service: &str, what: String, old: Option<&Value>, new: &Value) {
    let own = |value: &Value| -> Map<String, Value> {
        let all = value.as_object().cloned().unwrap_or_default();
        let below = |name: &String| BELOW.iter().any(|(kind, _)| kind == name);
        all.into_iter().filter(|(name, _)| !below(name)).collect()
    };
    let new = own(new);
    let mut values = Vec::new();
    let (change, keys) = match old.map(own) {
        None => ("added", Vec::new()),
        Some(old) if old == new => return,
        Some(old) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let differs = |name: &&&String| old.get(**name) != new.get(**name);
            let keys: Vec<String> =
                names.iter().filter(differs).map(|name| (*name).clone()).collect();
            for key in &keys {
                let (old, new) = (text(old.get(key)), text(new.get(key)));
                values.push(Turned { key: key.clone(), old, new });
            }
            let retired = keys == ["state"] && new.get("state") == Some(&json!("retired"));
            (if retired { "retired" } else { "changed" }, keys)
        }
    };
    changes.push(Change { service: service.to_owned(), what, change, keys, values });
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
