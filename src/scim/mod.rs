//! What the engine does in a SCIM service: users, groups and who is in them. Each action reads
//! first and changes the difference alone, under the version that was read; done twice it is done
//! once. Whoever is there is known by the id that the service gave, and an account that is only
//! called the same is never taken: somebody has to say that it is the same.

pub mod api;
pub mod links;
pub mod pages;
mod group;
mod shape;
mod store;
mod user;

use crate::config::Config;
use crate::connectors::call::Line;
use crate::connectors::scim::{self, Features};
use crate::db::{By, Db, Via};
use crate::drivers::log::Log;
use crate::drivers::mask::Mask;
use crate::drivers::scim::{Fault, Pass, Resource, Session};
use crate::drivers::{Answer, Outcome};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, CustomerServiceId, UserId};
use serde_json::{Map, Value};

words! {
    /// The actions on a SCIM service, by the names that rules give them.
    Verb { User = "scim.user", Group = "scim.group", Member = "scim.member" }
}

words! {
    /// What a link leads to.
    Class { User = "user", Group = "group" }
}

words! {
    /// Proposed: found under the same name, and nobody has said yet that it is the same. Lost: it
    /// was linked and is not there any more.
    Standing { Bound = "bound", Proposed = "proposed", Lost = "lost" }
}

/// One piece of work in a SCIM service.
pub struct Order<'o> {
    pub verb: Verb,
    /// The step's own, else what its event stands for: create, change, suspend, resume, remove.
    pub what: &'o str,
    /// As the action declares them, filled.
    pub params: &'o Value,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub customer_service: Option<CustomerServiceId>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// All that one action has in hand.
struct Hand<'a> {
    db: &'a Db,
    line: &'a Line,
    order: &'a Order<'a>,
    session: Session<'a>,
    features: Features,
    installation: String,
    outputs: Map<String, Value>,
    changes: Vec<String>,
    warnings: Vec<String>,
}

/// What is changed by somebody else at the same time is read again so often.
const AGAIN: usize = 3;

/// Does it; says how it ended, with the log.
pub fn perform(db: &Db, config: &Config, line: &Line, order: &Order<'_>) -> (Outcome, Log) {
    let endpoint = match line.scim(config) {
        Ok(endpoint) => endpoint,
        Err(err) => {
            let text = format!("It cannot be called: {err}");
            let mut log = Log::new(Mask::default());
            log.add(&text);
            return (Outcome::Refused { text }, log);
        }
    };
    let (Pass::Bearer(secret) | Pass::Basic(_, secret)) = &endpoint.pass;
    let mask = Mask::new(std::iter::once(secret).filter(|secret| !secret.reveal().is_empty()));
    let mut log = Log::new(mask.clone());
    let mut session = Session::new(&endpoint, db.now());
    let opened = open(db, line, &mut session);
    let outcome = match opened {
        Err(fault) => {
            session.trace.iter().for_each(|text| log.add(text));
            fault.outcome()
        }
        Ok((features, installation)) => {
            let mut hand = Hand {
                db,
                line,
                order,
                session,
                features,
                installation,
                outputs: Map::new(),
                changes: Vec::new(),
                warnings: Vec::new(),
            };
            let ended = match order.verb {
                Verb::User => user::perform(&mut hand),
                Verb::Group => group::perform(&mut hand),
                Verb::Member => group::member(&mut hand),
            };
            hand.session.trace.iter().for_each(|text| log.add(text));
            match ended {
                Ok(()) => hand.outcome(),
                Err(fault) => fault.outcome(),
            }
        }
    };
    match outcome.masked(&mask) {
        Outcome::Done(answer) => {
            answer.changes.iter().chain(&answer.warnings).for_each(|text| log.add(text));
            (Outcome::Done(answer), log)
        }
        Outcome::Already(answer) => (Outcome::Already(answer), log),
        other => {
            if let Outcome::Retry { text, .. }
            | Outcome::Unknown { text }
            | Outcome::Refused { text } = &other
            {
                log.add(text);
            }
            (other, log)
        }
    }
}

/// What the service can, asked once a day, and how we are called.
fn open(db: &Db, line: &Line, session: &mut Session<'_>) -> Result<(Features, String), Fault> {
    let installation = db.read(store::installation)?;
    if let Some(known) = line.fresh_features(db.now()) {
        return Ok((known.clone(), installation));
    }
    let features = match scim::ask(session) {
        Err(Fault::Missing) => {
            return Err(Fault::refused(
                "It does not say what it can: there is no ServiceProviderConfig at its address.",
            ));
        }
        other => other?,
    };
    db.write(By::portico(Via::Engine), |tx| scim::keep(tx, line, &features))?;
    Ok((features, installation))
}

impl Hand<'_> {
    /// A parameter that is a text; missing and empty are the same.
    fn text(&self, name: &str) -> Option<&str> {
        self.order.params.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn marker(&self, what: &str) -> String {
        format!("portico:{}:{what}", self.installation)
    }

    /// Says what is done, and whether it is to be done: not in a dry run.
    fn go(&mut self, what: String) -> bool {
        self.changes.push(what);
        !self.order.dry_run
    }

    fn linked(&self, class: Class, subject: &str) -> Result<Option<store::Link>, Fault> {
        let (connector, customer) = (self.line.id, self.order.customer);
        Ok(self.db.read(|db| store::link(db, connector, class, customer, subject))?)
    }

    fn link(
        &self,
        class: Class,
        subject: &str,
        user: Option<UserId>,
        found: &Found<'_>,
    ) -> Result<(), Fault> {
        if self.order.dry_run {
            return Ok(());
        }
        let link = store::NewLink {
            class,
            object: found.id,
            customer: self.order.customer,
            user,
            subject,
            name: found.name,
            standing: found.standing,
        };
        let write = |tx: &crate::db::Write| store::bind(tx, self.line.id, &link);
        match self.db.write(By::portico(Via::Engine), write)? {
            true => Ok(()),
            false => Err(Fault::Refused(format!(
                "“{}” is linked with somebody else here already, so it is left alone.",
                found.name
            ))),
        }
    }

    fn lose(&self, link: &store::Link) -> Result<(), Fault> {
        if self.order.dry_run {
            return Ok(());
        }
        let lose = |tx: &crate::db::Write| store::stand(tx, link.id, Standing::Lost);
        Ok(self.db.write(By::portico(Via::Engine), lose)?)
    }

    fn unlink(&self, link: &store::Link) -> Result<(), Fault> {
        Ok(self.db.write(By::portico(Via::Engine), |tx| store::forget(tx, link.id))?)
    }

    /// The one that carries our marker.
    fn marked(&mut self, kind: &str, marker: &str) -> Result<Option<Resource>, Fault> {
        self.only(kind, "externalId", marker)
    }

    fn only(&mut self, kind: &str, name: &str, value: &str) -> Result<Option<Resource>, Fault> {
        if !self.features.filter {
            return Ok(None);
        }
        let filter = crate::drivers::scim::equals(name, value);
        let mut found = self.session.find(kind, &filter, 2)?;
        if found.len() > 1 {
            return Err(Fault::Refused(format!("Two there have the same {name} {value}.")));
        }
        Ok(found.pop())
    }

    /// Writes the difference under the version that was read.
    fn write(
        &mut self,
        kind: &str,
        seen: &Resource,
        operations: &[Value],
        whole: &Map<String, Value>,
    ) -> Result<Option<Resource>, Fault> {
        let version = seen.version.as_deref().filter(|_| self.features.versions);
        let at = (kind, seen.id());
        match self.features.patch {
            true => self.session.patch(at, version, operations),
            false => self.session.replace(at, version, &Value::Object(whole.clone())),
        }
    }

    fn outcome(self) -> Outcome {
        let answer = Answer {
            message: None,
            outputs: self.outputs,
            changes: self.changes,
            warnings: self.warnings,
        };
        match answer.changes.is_empty() && answer.warnings.is_empty() {
            true => Outcome::Already(answer),
            false => Outcome::Done(answer),
        }
    }
}

struct Found<'f> {
    id: &'f str,
    name: &'f str,
    standing: Standing,
}

/// Does it again while somebody else changes the same.
fn in_peace(mut once: impl FnMut() -> Result<(), Fault>) -> Result<(), Fault> {
    for _ in 1..AGAIN {
        match once() {
            Err(Fault::Stale) => {}
            ended => return ended,
        }
    }
    once()
}

/// What a link is about, as it is kept.
fn of_user(user: UserId) -> String {
    format!("user {user}")
}

fn of_group(name: &str) -> String {
    format!("group {}", name.trim().to_lowercase())
}

/// Whether the links of a connector wait for somebody, and how many there are.
pub fn counts(db: &crate::db::Read, connector: ConnectorId) -> Result<store::Counts> {
    store::counts(db, connector)
}
