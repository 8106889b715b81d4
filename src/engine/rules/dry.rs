//! Trying a rule on somebody real: what its condition comes to, what it would be told, and what the
//! other side says it would do. Nothing changes, here or outside.

use super::condition::{Condition, Part, Value};
use super::{Rule, actions, names, one, plan, store};
use crate::auth::Scope;
use crate::auth::permissions::RulesWrite;
use crate::config::Config;
use crate::connectors::{self, call};
use crate::db::{Db, Read};
use crate::directory;
use crate::directory::work::{self, Order, Verb};
use crate::drivers::{Call, Outcome, script};
use crate::engine::{Action, Document, Job, verb as engine_verb};
use crate::error::{Error, Result};
use crate::events;
use crate::ids::{CustomerId, CustomerServiceId, RequestId, RuleId, UserId, UserServiceId};
use crate::input::{Field, Fields, Input};
use crate::ledger::Source;
use crate::scim;
use crate::web::App;
use serde_json::{Map, Value as Json, json};

/// Whom a rule is tried on.
#[derive(Clone, Debug)]
pub struct Subject {
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub customer_service: Option<CustomerServiceId>,
    pub user_service: Option<UserServiceId>,
    /// "Theo Vane of Bergholt", "Bergholt"
    pub name: String,
}

/// What came of it.
#[derive(Debug, serde::Serialize)]
pub struct Run {
    /// Whom it was tried on.
    pub subject: String,
    /// None where that depends on what an earlier step answers.
    pub holds: Option<bool>,
    pub condition: Vec<Part>,
    /// Filled in; what an earlier step answers still by its name.
    pub params: Json,
    /// Why the event would be refused, where the rule refuses.
    pub refusal: Option<String>,
    /// What the connector says, or why it was not asked.
    pub connector: String,
    /// What it would change, in its words.
    pub changes: Vec<String>,
}

pub const DRY: &[Field] = &[
    Field::integer("customer_id", "whose event it would be").required(),
    Field::integer("user_id", "of an event of a user"),
    Field::integer("aid", "of an event of a service: the assignment’s id"),
];

/// Tries it. The connector is asked outside any transaction.
pub fn dry_run(app: &App, scope: &Scope<RulesWrite>, id: RuleId, input: &Input) -> Result<Run> {
    let mut fields = Fields::of(input, DRY);
    let customer = fields.parse::<CustomerId>("customer_id");
    let user = fields.optional::<UserId>("user_id");
    let assignment = fields.optional_integer("aid", 1..=i64::MAX);
    let (customer, user, assignment) = fields.finish(|| Some((customer?, user?, assignment?)))?;
    let (rule, subject, document, run) = app.db.read(|db| {
        let rule = one(db, scope, id)?;
        scope.reaches(db, customer)?;
        let subject = store::subject(db, &rule.event, customer, user, assignment)?;
        let subject = subject.ok_or_else(|| {
            Error::invalid("customer_id", "has nobody and nothing that this event could be about")
        })?;
        let document = document(db, &rule.event, &subject)?;
        let run = judged(db, &rule, &subject, &document)?;
        Ok((rule, subject, document, run))
    })?;
    match (run.holds, rule.action.is_outside(), rule.action.in_directory()) {
        (Some(false), true, _) | (Some(false), _, Some(_)) => {
            Ok(Run { connector: "It would not be called.".to_owned(), ..run })
        }
        (_, true, _) => asked(&app.db, &app.config, &rule, (&subject, document), run),
        (_, _, Some(verb)) => looked(app, &rule, &subject, verb, &document, run),
        _ => Ok(run),
    }
}

/// Somebody for whom a rule of that event could run, to show values of; nobody where a form says no event.
pub fn sample(db: &Read, event: &str, code: &str) -> Result<Option<(Subject, Document)>> {
    if !super::events().any(|known| known == event) {
        return Ok(None);
    }
    let Some(subject) = store::sample(db, event, code)? else { return Ok(None) };
    let document = document(db, event, &subject)?;
    Ok(Some((subject, document)))
}

fn document(db: &Read, event: &str, subject: &Subject) -> Result<Document> {
    let job = Job {
        request: RequestId(0),
        event: event.to_owned(),
        customer: subject.customer,
        user: subject.user,
        customer_service: subject.customer_service,
        user_service: subject.user_service,
        by: None,
        source: Source::Engine,
    };
    (events::find(event)?.document)(db, &job)
}

fn judged(db: &Read, rule: &Rule, subject: &Subject, document: &Document) -> Result<Run> {
    let known = names::known(db, &rule.event, rule.service)?;
    let today = plan::today(document, db.now);
    let home = directory::surroundings(db, subject.customer)?;
    let value = |name: &str| match name.starts_with("env.") {
        true => names::of_home(home.as_ref(), name),
        false => names::value(document, today, &known, name),
    };
    let by_name = |name: &str| match super::text::is_late(name) {
        true => value(name).or_else(|| Some(Value::Text(format!("{{{name}}}")))),
        false => value(name),
    };
    let wrong = |why: String| Error::refused(format!("The rule cannot be used: {why}."));
    let condition =
        Condition::read(&rule.condition, &known).map_err(|why| wrong(why.to_string()))?;
    let filled = actions::fill(rule.action, &rule.params, &known, &value)
        .and_then(|open| super::text::close(&open, &by_name));
    let params = filled.map_err(wrong)?;
    let holds = (!condition.is_late()).then(|| condition.holds(&value));
    let mut parts = match rule.condition.is_empty() {
        true => Vec::new(),
        false => condition.explain(&value),
    };
    let mut refusal = None;
    let said = || params.get("message").and_then(Json::as_str).map(str::to_owned);
    if rule.action == Action::Refuse && holds == Some(true) {
        refusal = said();
    }
    if rule.action == Action::Check && holds == Some(true) {
        let asked = rule.params.get("holds").map_or("", String::as_str);
        let check = Condition::read(asked, &known).map_err(|why| wrong(why.to_string()))?;
        parts.extend(check.explain(&value));
        refusal = said().filter(|_| !check.holds(&value));
    }
    Ok(Run {
        subject: subject.name.clone(),
        holds,
        condition: parts,
        params,
        refusal,
        connector: String::new(),
        changes: Vec::new(),
    })
}

/// Looks into the directory, and says what would be changed there.
fn looked(
    app: &App,
    rule: &Rule,
    subject: &Subject,
    verb: Verb,
    document: &Document,
    run: Run,
) -> Result<Run> {
    let connector = match rule.connector {
        Some(id) => Some(id),
        None => app.db.read(|db| directory::connector_of(db, subject.customer))?,
    };
    let Some(id) = connector else {
        let text = "The customer lives in no location with a directory.".to_owned();
        return Ok(Run { connector: text, ..run });
    };
    let line = app.db.read(|db| call::line(db, id))?;
    if line.state != connectors::State::Active {
        return Ok(Run { connector: "The connector is paused or gone.".to_owned(), ..run });
    }
    let order = Order {
        verb,
        params: &run.params,
        props: &document.props,
        customer: subject.customer,
        user: subject.user,
        dry_run: true,
    };
    let (outcome, _) = work::perform(app, &line, &order);
    Ok(match outcome {
        Outcome::Done(answer) | Outcome::Already(answer) => {
            let text = match answer.changes.is_empty() {
                true => format!("{} is as wanted; nothing would change.", line.name),
                false => format!("In {} it would change this.", line.name),
            };
            let mut changes = answer.changes;
            changes.extend(answer.warnings);
            Run { connector: text, changes, ..run }
        }
        Outcome::Waits { .. } => Run { connector: "It would answer later.".to_owned(), ..run },
        Outcome::Retry { text, .. } | Outcome::Unknown { text } | Outcome::Refused { text } => {
            Run { connector: text, ..run }
        }
    })
}

/// Asks the connector what it would do, where it can say.
fn asked(
    db: &Db,
    config: &Config,
    rule: &Rule,
    (subject, document): (&Subject, Document),
    run: Run,
) -> Result<Run> {
    let told =
        |run: Run, text: &str| -> Result<Run> { Ok(Run { connector: text.to_owned(), ..run }) };
    let Some(id) = rule.connector else { return told(run, "It has no connector.") };
    let line = db.read(|db| call::line(db, id))?;
    if line.state != connectors::State::Active {
        return told(run, "The connector is paused or gone.");
    }
    if let Some(verb) = rule.action.in_scim() {
        let order = scim::Order {
            verb,
            what: &engine_verb(&run.params, &rule.event),
            params: &run.params,
            customer: subject.customer,
            user: subject.user,
            customer_service: subject.customer_service,
            dry_run: true,
        };
        let (outcome, _) = scim::perform(db, config, &line, &order);
        return Ok(said(run, outcome));
    }
    if line.kind != connectors::Kind::Script {
        return told(run, "A webhook cannot be asked what it would do, so it was not called.");
    }
    let plans = script::text(&config.scripts, &line.script).is_ok_and(|text| text.manifest.dry_run);
    if !plans {
        return told(
            run,
            "The script does not say what it would do (dry_run in its description), so it was not run.",
        );
    }
    let secrets = document.secrets(&config.key, &run.params)?;
    let mut props = document.props;
    if let Some(inputs) = run.params.get("inputs").and_then(Json::as_object) {
        props.extend(inputs.clone());
    }
    let call = Call {
        key: format!("portico-dry-run-{}", rule.id),
        verb: engine_verb(&run.params, &rule.event),
        dry_run: true,
        event: rule.event.clone(),
        customer: document.customer,
        user: document.user,
        service: document.service,
        props,
        secrets,
        previous: json!({ "before": document.previous, "outputs": Map::new() }),
        body: None,
    };
    let (outcome, _) = line.send(config, call, (1, None), db.now());
    Ok(said(run, outcome))
}

fn said(run: Run, outcome: Outcome) -> Run {
    match outcome {
        Outcome::Done(answer) => {
            let text = answer.message.unwrap_or_else(|| "It would do it.".to_owned());
            Run { connector: text, changes: answer.changes, ..run }
        }
        Outcome::Already(answer) => {
            let text = answer.message.unwrap_or_else(|| "Nothing would change.".to_owned());
            Run { connector: text, changes: answer.changes, ..run }
        }
        Outcome::Waits { .. } => Run { connector: "It would answer later.".to_owned(), ..run },
        Outcome::Retry { text, .. } | Outcome::Unknown { text } | Outcome::Refused { text } => {
            Run { connector: text, ..run }
        }
    }
}
