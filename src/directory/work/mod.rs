//! What the engine does in a directory. Each action looks first, decides what is to change, changes
//! it, and looks again; done twice it is done once. Objects are known by the id that never changes,
//! and nothing outside the customer's own part of the tree is written.

pub mod access;
mod back;
mod desk;
mod fields;
mod groups;
mod plan;
pub mod told;
mod units;
mod users;

use super::{Flavour, store};
use crate::connectors::call::Line;
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::Fault;
use crate::drivers::log::Log;
use crate::drivers::mask::Mask;
use crate::drivers::{Answer, Outcome};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::secret::{Key, Secret};
use crate::web::App;
use desk::Desk;
use serde_json::{Map, Value, json};

words! {
    /// The actions on a directory, by the names that rules give them.
    Verb {
        OuEnsure = "dir.ou_ensure", OuRename = "dir.ou_rename", OuRemove = "dir.ou_remove_if_empty",
        UserEnsure = "dir.user_ensure", UserAttributes = "dir.user_attributes",
        UserRename = "dir.user_rename", UserMove = "dir.user_move", UserDelete = "dir.user_delete",
        Password = "dir.password", Enable = "dir.enable", Disable = "dir.disable",
        Unlock = "dir.unlock", MustChange = "dir.must_change",
        GroupEnsure = "dir.group_ensure", GroupRename = "dir.group_rename",
        GroupRemove = "dir.group_remove",
        MemberAdd = "dir.member_add", MemberRemove = "dir.member_remove",
        PutBack = "dir.put_back",
    }
}

/// One piece of work in a directory.
pub struct Order<'o> {
    pub verb: Verb,
    /// As the action declares them, filled.
    pub params: &'o Value,
    /// The effective settings of the service that orders it.
    pub props: &'o Map<String, Value>,
    pub customer: CustomerId,
    /// Who is meant by `self`.
    pub user: Option<UserId>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// Does it; says how it ended, with the log.
pub fn perform(app: &App, line: &Line, order: &Order<'_>) -> (Outcome, Log) {
    let held: Vec<Secret> = [line.password(&app.config), password(&app.config.key, order)]
        .into_iter()
        .flatten()
        .filter(|secret| !secret.reveal().is_empty())
        .collect();
    let mask = Mask::new(&held);
    let mut log = Log::new(mask.clone());
    let outcome = match Desk::open(app, line, order) {
        Ok(mut desk) => {
            let ended = attempt(&mut desk);
            desk.session.trace.iter().for_each(|text| log.add(text));
            match ended {
                Ok(()) => desk.outcome(),
                Err(fault) => fault.outcome(),
            }
        }
        Err(fault) => fault.outcome(),
    };
    match &outcome {
        Outcome::Retry { text, .. } | Outcome::Unknown { text } | Outcome::Refused { text } => {
            log.add(text);
        }
        Outcome::Done(answer) | Outcome::Already(answer) => {
            answer.changes.iter().chain(&answer.warnings).for_each(|text| log.add(text));
        }
        Outcome::Waits { .. } => {}
    }
    (outcome, log)
}

fn attempt(desk: &mut Desk<'_>) -> Result<(), Fault> {
    match desk.order.verb {
        Verb::OuEnsure => units::ensure(desk),
        Verb::OuRename => units::rename(desk),
        Verb::OuRemove => units::remove(desk),
        Verb::UserEnsure => users::ensure(desk),
        Verb::UserAttributes => fields::attributes(desk),
        Verb::UserRename => users::rename(desk),
        Verb::UserMove => users::relocate(desk),
        Verb::UserDelete => users::delete(desk),
        Verb::Password => {
            let secret = password(&desk.app.config.key, desk.order)?;
            access::set_password(desk, &secret)
        }
        Verb::Enable => access::enable(desk, true),
        Verb::Disable => access::enable(desk, false),
        Verb::Unlock => access::set_number(desk, "lockoutTime", "unlock"),
        Verb::MustChange => access::set_number(desk, "pwdLastSet", "must change the password"),
        Verb::GroupEnsure => groups::ensure(desk),
        Verb::GroupRename => groups::rename(desk),
        Verb::GroupRemove => groups::remove(desk),
        Verb::MemberAdd => groups::member(desk, true),
        Verb::MemberRemove => groups::member(desk, false),
        Verb::PutBack => back::put_back(desk),
    }
}

/// Our fields of a user, and the attribute that each is kept in.
pub fn attributes(flavour: Flavour) -> Vec<(&'static str, &'static str)> {
    match flavour {
        Flavour::Ad => ad::ATTRIBUTES.iter().map(|(field, name, _)| (*field, *name)).collect(),
        Flavour::OpenLdap => fields::OPEN.to_vec(),
    }
}

/// Whether an attribute is written by actions of its own, so that nobody else may.
pub fn is_forbidden(attribute: &str) -> bool {
    fields::FORBIDDEN.iter().chain(fields::SEEN).any(|name| name.eq_ignore_ascii_case(attribute))
}

/// A password as a step carries it: sealed for that user, so that no table holds it readable.
pub fn sealed(key: &Key, user: UserId, password: &Secret) -> Result<Value> {
    Ok(json!({ "sealed": key.seal(&place(user), password)? }))
}

fn place(user: UserId) -> String {
    format!("directory password of user {user}")
}

/// The password that a step carries; of actions without one an empty text.
fn password(key: &Key, order: &Order<'_>) -> Result<Secret> {
    let text =
        order.params.get("value").and_then(|value| value.get("sealed")).and_then(Value::as_str);
    match (text, order.user) {
        (Some(text), Some(user)) => key.open(&place(user), text),
        _ => Ok(Secret::new("")),
    }
}

impl Desk<'_> {
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

/// The first password of an account that nobody has asked for one.
fn first_password() -> Result<Secret, Fault> {
    Ok(ad::random_password()?)
}
