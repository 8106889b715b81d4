//! What an order may say, and how it is read.

use super::state::Verb;
use crate::catalogue::properties::Typed;
use crate::error::Result;
use crate::input::{Field, Fields, Input};
use crate::time::{Date, Instant};

const LIMITS: &str = "of a customer service, by those above it: plan code, all, sum:PROPERTY or PLAN/sum:PROPERTY to the most there may be; null: no limit";

const WITH: &str =
    "services that it needs, to be given first: CODE to an object of plan, label, properties";

const LIKE: &str = "an assignment of the same service that the same holder had: what it had holds again, where nothing else is said";

/// Giving a service to a customer.
pub const GIVE: &[Field] = &[
    Field::text("service", "the code of an active service that is offered here").required(),
    Field::text("plan", "the code of a customer plan; may be left out where the service has none"),
    Field::text("label", "tells several of a multi-instance service apart, 1–60 characters"),
    Field::list(
        "user_plans",
        "codes of the user plans its users may have; all that are offered when left out",
    ),
    Field::object("limits", LIMITS),
    Field::object("properties", "values by name; null inherits"),
    Field::object("with", WITH),
    Field::integer("like", LIKE),
];

/// Giving a service to a user.
pub const GIVE_USER: &[Field] = &[
    Field::text("service", "the code of a user service that the customer has").required(),
    Field::text("plan", "the code of a user plan that the customer may use; required without like"),
    Field::text("label", "tells several of a multi-instance service apart, 1–60 characters"),
    Field::object("properties", "values by name; null inherits"),
    Field::object("with", WITH),
    Field::integer("like", LIKE),
];

pub const CHANGE: &[Field] = &[
    Field::text("plan", "the code of another plan"),
    Field::text("label", "another label, of one of several"),
    Field::list("user_plans", "of a customer service: codes of the user plans its users may have"),
    Field::object("limits", LIMITS),
    Field::object("properties", "values by name; null inherits"),
];

/// What suspending, resuming, provisioning again and removing take.
pub const REASON: &[Field] = &[];

/// What removing takes.
pub const REMOVE: &[Field] = &[
    Field::text("confirm", "where users lose it too: how many, typed; the plan says so"),
    NOT_BEFORE,
];

/// The same of a user.
pub const REMOVE_FROM_USER: &[Field] = &[NOT_BEFORE];

const NOT_BEFORE: Field = Field::text(
    "not_before",
    "a day like 2026-03-31 or an instant: until then it stays and is billed",
);

/// An order as it was said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub service: String,
    pub plan: Option<String>,
    pub label: String,
    /// Whether a label was said at all.
    pub labelled: bool,
    pub user_plans: Option<Vec<String>>,
    pub properties: Typed,
    /// What it needs, to be given first: each service's code, and what is said of it.
    pub with: Vec<(String, Input)>,
    /// An assignment that is gone, to be given again as it was.
    pub like: Option<i64>,
    /// When it is to happen, where that is not now.
    pub not_before: Option<When>,
    /// Limits as they were typed; empty: as they are.
    pub limits: Input,
}

/// A day, which begins in the provider's zone, or an instant.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Day(Date),
    At(Instant),
}

/// Reads what an order says.
pub fn read(verb: Verb, for_user: bool, input: &Input) -> Result<Said> {
    let declared = match (verb, for_user) {
        (Verb::Give, true) => GIVE_USER,
        (Verb::Give, false) => GIVE,
        (Verb::Change, _) => CHANGE,
        (Verb::Remove, _) => REMOVE,
        _ => REASON,
    };
    let has = |name: &str| declared.iter().any(|field| field.name == name);
    let mut f = Fields::of(input, declared);
    let service = if has("service") { f.text("service", 1..=30) } else { Some(String::new()) };
    let plan = match (verb, for_user) {
        (Verb::Give, true) if f.value("like").is_empty() => f.text("plan", 1..=30).map(Some),
        _ if has("plan") => {
            f.text("plan", 0..=30).map(|plan| Some(plan).filter(|plan| !plan.is_empty()))
        }
        _ => Some(None),
    };
    let label = if has("label") { f.text("label", 0..=60) } else { Some(String::new()) };
    if let Some(label) = &label
        && !label.chars().all(|c| c.is_alphanumeric() || " ._@-".contains(c))
    {
        f.complain::<()>("label", "may hold letters, digits, blanks and . _ @ - only");
    }
    let user_plans = if has("user_plans") && f.has("user_plans") {
        f.list::<String>("user_plans", 100).map(Some)
    } else {
        Some(None)
    };
    let properties = if has("properties") { input.wishes("properties") } else { Typed::new() };
    let not_before = match if has("not_before") { f.value("not_before") } else { "" } {
        "" => Some(None),
        text => match (text.parse::<Date>(), text.parse::<Instant>()) {
            (Ok(day), _) => Some(Some(When::Day(day))),
            (_, Ok(at)) => Some(Some(When::At(at))),
            _ => f.complain("not_before", "is not a day like 2026-03-31"),
        },
    };
    let with = if has("with") { with(&mut f, input) } else { Vec::new() };
    let like = match has("like") {
        true => f.optional_integer("like", 1..=i64::MAX),
        false => Some(None),
    };
    let mut limits = Input::default();
    if has("limits") {
        for (name, text) in f.members("limits") {
            limits.set(&format!("limits.{name}"), text);
        }
    }
    f.finish(move || {
        Some(Said {
            service: service?,
            plan: plan?,
            label: label?,
            labelled: has("label") && input.has("label"),
            user_plans: user_plans?,
            properties,
            with,
            like: like?,
            not_before: not_before?,
            limits,
        })
    })
}

/// What is said of each of the services that are given along.
fn with(fields: &mut Fields, input: &Input) -> Vec<(String, Input)> {
    let mut all: Vec<(String, Input)> = Vec::new();
    for (name, _) in fields.members("with") {
        match name.split_once('.') {
            Some((code, _)) if all.iter().any(|(known, _)| known == code) => {}
            Some((code, _)) => {
                all.push((code.to_owned(), input.inner(&format!("with.{code}"))));
            }
            None => {
                let text = "must say of each service what it is to be, like {\"entra\": {\"plan\": \"basic\"}}";
                fields.complain::<()>("with", text);
            }
        }
    }
    all
}
