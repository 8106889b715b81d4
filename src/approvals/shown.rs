//! What of a plan those read who are asked about it: what is done and what changes, money only where
//! it is their own, and nothing of what is told outside.

use serde_json::{Map, Value};

/// How whoever reads it stands to whoever ordered it.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// Both see the money of the same edge.
    pub same_edge: bool,
    /// Stands where whoever ordered it does, or above: sees the values they saw.
    pub values: bool,
    /// May see what it costs the provider.
    pub costs: bool,
}

const OF_PLAN: [&str; 9] =
    ["title", "steps", "diffs", "seats", "monthly", "warnings", "queue", "losing", "due"];
const OF_STEP: [&str; 5] = ["seq", "title", "action", "connector", "times"];

pub fn told(plan: Value, reader: Reader) -> Value {
    let Value::Object(mut plan) = plan else { return Value::Null };
    plan.retain(|name, _| OF_PLAN.contains(&name.as_str()));
    for step in each(&mut plan, "steps") {
        step.retain(|name, _| OF_STEP.contains(&name.as_str()));
    }
    if !reader.same_edge {
        plan.remove("monthly");
    }
    if let (false, Some(Value::Array(diffs))) = (reader.values, plan.get_mut("diffs")) {
        diffs.retain(|diff| diff.get("of_value").is_none());
    }
    if let (false, Some(Value::Object(monthly))) = (reader.costs, plan.get_mut("monthly")) {
        monthly.remove("cost_delta_minor");
    }
    Value::Object(plan)
}

fn each<'p>(
    plan: &'p mut Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'p mut Map<String, Value>> {
    let all = plan.get_mut(name).and_then(Value::as_array_mut);
    all.into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn money_and_values_stay_at_their_edge() {
        let plan = json!({
            "title": "Change it", "basis": "x", "changes": [1],
            "steps": [{ "seq": 1, "title": "Tell", "params": { "rack": "R7" } }],
            "diffs": [
                { "field": "Plan", "before": "a", "after": "b" },
                { "field": "Rack", "before": null, "after": "R7", "of_value": true },
            ],
            "monthly": { "delta_minor": 100, "cost_delta_minor": 60 },
        });
        let read =
            |same_edge, costs| told(plan.clone(), Reader { same_edge, values: same_edge, costs });
        let near = read(true, false);
        assert_eq!(near["steps"], json!([{ "seq": 1, "title": "Tell" }]));
        assert_eq!(near["monthly"], json!({ "delta_minor": 100 }));
        assert_eq!(near["diffs"].as_array().map(Vec::len), Some(2));
        assert!(near.get("basis").is_none() && near.get("changes").is_none());
        let far = read(false, true);
        assert_eq!((far.get("monthly"), far["diffs"].as_array().map(Vec::len)), (None, Some(1)));
        assert_eq!(read(true, true)["monthly"]["cost_delta_minor"], 60);
    }
}
