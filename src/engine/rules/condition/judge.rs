//! Judging: a text without value is empty, a list too, true-or-false is false; a number or a date
//! without value makes its comparison false.

use super::{Kind, Node, Part, Sign, Test, Type, Value};

type Look<'v> = &'v dyn Fn(&str) -> Option<Value>;

pub fn truth(node: &Node, look: Look) -> bool {
    match &node.kind {
        Kind::Or(all) => all.iter().any(|each| truth(each, look)),
        Kind::And(all) => all.iter().all(|each| truth(each, look)),
        Kind::Not(inner) => !truth(inner, look),
        Kind::Compare(sign, left, right) => match (value(left, look), value(right, look)) {
            (Some(left), Some(right)) => compare(*sign, &left, &right),
            _ => false,
        },
        Kind::In(left, right) => match (value(left, look), value(right, look)) {
            (Some(Value::Text(text)), Some(Value::List(all))) => all.contains(&text),
            _ => false,
        },
        Kind::OneOf(left, all) => value(left, look)
            .is_some_and(|found| all.iter().any(|each| value(each, look) == Some(found.clone()))),
        Kind::Has(name) => look(name).is_some_and(|found| !is_empty(&found)),
        Kind::Test(test, left, right) => match (value(left, look), value(right, look)) {
            (Some(Value::Text(left)), Some(Value::Text(right))) => match test {
                Test::Starts => left.starts_with(&right),
                Test::Ends => left.ends_with(&right),
                Test::Contains => left.contains(&right),
            },
            _ => false,
        },
        Kind::Matches(left, pattern) => match value(left, look) {
            Some(Value::Text(text)) => pattern.is_match(&text),
            _ => false,
        },
        Kind::Is(_) | Kind::Path(_) | Kind::Size(_) | Kind::Lower(_) => {
            value(node, look) == Some(Value::Boolean(true))
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.is_empty(),
        Value::List(all) => all.is_empty(),
        Value::Integer(_) | Value::Boolean(_) | Value::Date(_) => false,
    }
}

fn compare(sign: Sign, left: &Value, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) => left.cmp(right),
        _ => return false,
    };
    match sign {
        Sign::Eq => order.is_eq(),
        Sign::Ne => order.is_ne(),
        Sign::Lt => order.is_lt(),
        Sign::Le => order.is_le(),
        Sign::Gt => order.is_gt(),
        Sign::Ge => order.is_ge(),
    }
}

fn value(node: &Node, look: Look) -> Option<Value> {
    match &node.kind {
        Kind::Is(value) => Some(value.clone()),
        Kind::Path(name) => look(name).filter(|found| found.kind() == node.is).or(match node.is {
            Type::Text => Some(Value::Text(String::new())),
            Type::List => Some(Value::List(Vec::new())),
            Type::Boolean => Some(Value::Boolean(false)),
            Type::Integer | Type::Date => None,
        }),
        Kind::Lower(inner) => match value(inner, look) {
            Some(Value::Text(text)) => Some(Value::Text(text.to_lowercase())),
            _ => None,
        },
        Kind::Size(inner) => {
            let size = match value(inner, look) {
                Some(Value::Text(text)) => text.chars().count(),
                Some(Value::List(all)) => all.len(),
                _ => return None,
            };
            i64::try_from(size).ok().map(Value::Integer)
        }
        _ => Some(Value::Boolean(truth(node, look))),
    }
}

pub fn explain(root: &Node, text: &[char], look: Look) -> Vec<Part> {
    let mut parts = Vec::new();
    visit(root, text, look, &mut parts);
    let whole = Part { text: text.iter().collect(), value: truth(root, look).to_string() };
    parts.retain(|each: &Part| each.text != whole.text);
    parts.push(whole);
    parts
}

fn visit(node: &Node, text: &[char], look: Look, parts: &mut Vec<Part>) {
    let shown: Option<String> = match &node.kind {
        Kind::Or(all) | Kind::And(all) => {
            all.iter().for_each(|each| visit(each, text, look, parts));
            None
        }
        Kind::Not(inner) | Kind::Size(inner) | Kind::Lower(inner) | Kind::Matches(inner, _) => {
            visit(inner, text, look, parts);
            Some(said(node, look))
        }
        Kind::Compare(_, left, right) | Kind::In(left, right) | Kind::Test(_, left, right) => {
            visit(left, text, look, parts);
            visit(right, text, look, parts);
            Some(said(node, look))
        }
        Kind::OneOf(left, all) => {
            visit(left, text, look, parts);
            all.iter().for_each(|each| visit(each, text, look, parts));
            Some(said(node, look))
        }
        Kind::Path(_) | Kind::Has(_) => Some(said(node, look)),
        Kind::Is(_) => None,
    };
    if let Some(value) = shown {
        let length = node.to.saturating_sub(node.from);
        let text = text.iter().skip(node.from).take(length).collect();
        let part = Part { text, value };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
}

fn said(node: &Node, look: Look) -> String {
    match value(node, look) {
        Some(value) => value.to_string(),
        None => "no value".to_owned(),
    }
}
