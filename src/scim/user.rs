//! Users of a SCIM service.

use super::store::{Link, Person};
use super::{Class, Found, Hand, Standing, in_peace, of_user, shape, store};
use crate::connectors::scim::{ENTERPRISE, USER};
use crate::drivers::scim::{Fault, Resource};
use serde_json::{Map, Value, json};

const USERS: &str = "Users";

pub fn perform(hand: &mut Hand<'_>) -> Result<(), Fault> {
    match hand.order.what {
        "create" | "ensure" | "enable" | "resume" => ensure(hand, Some(true)),
        "change" => ensure(hand, None),
        "suspend" | "disable" => switch_off(hand),
        "remove" | "delete" | "move" => remove(hand),
        other => Err(Fault::Refused(format!(
            "“{other}” is nothing that is done with a user: create, change, suspend, resume or remove."
        ))),
    }
}

fn person(hand: &Hand<'_>) -> Result<Person, Fault> {
    let user = hand.order.user.ok_or_else(|| Fault::refused("The request is about no user."))?;
    Ok(hand.db.read(|db| store::person(db, hand.order.customer, user))?)
}

/// The id that a user of ours has there.
pub fn id_of(hand: &Hand<'_>, person: &Person) -> Result<Option<String>, Fault> {
    let link = hand.linked(Class::User, &of_user(person.id))?;
    Ok(link.filter(|link| link.standing == Standing::Bound).map(|link| link.object))
}

/// The linked one as it is there now. One that is gone is noted, and is not made anew by itself.
fn there(hand: &mut Hand<'_>, link: &Link) -> Result<Option<Resource>, Fault> {
    match link.standing {
        Standing::Lost => Ok(None),
        Standing::Proposed => Err(undecided(&link.name)),
        Standing::Bound => match hand.session.read(&[USERS, &link.object]) {
            Ok(resource) => Ok(Some(resource)),
            Err(Fault::Missing) => {
                hand.lose(link)?;
                Ok(None)
            }
            Err(fault) => Err(fault),
        },
    }
}

fn undecided(name: &str) -> Fault {
    Fault::Refused(format!(
        "There is an account “{name}” already that nobody has linked. Say on the page of the connector, under Who is who there, whether it is the same, then try again."
    ))
}

fn lost(name: &str) -> Fault {
    Fault::Refused(format!(
        "The account “{name}” was deleted outside. To have it made anew say so on the page of the connector, under Who is who there, then try again."
    ))
}

/// Makes the account or brings it up to date; `active` is left as it is where nothing is said.
fn ensure(hand: &mut Hand<'_>, active: Option<bool>) -> Result<(), Fault> {
    let person = person(hand)?;
    match hand.linked(Class::User, &of_user(person.id))? {
        Some(link) => {
            if there(hand, &link)?.is_none() {
                return Err(lost(&link.name));
            }
            update(hand, &person, &link.object, active)
        }
        None => match found(hand, &person)? {
            Some(id) => update(hand, &person, &id, active),
            None => create(hand, &person, active),
        },
    }
}

fn marker(hand: &Hand<'_>, person: &Person) -> String {
    hand.marker(&format!("user{}", person.id))
}

/// One that an earlier attempt made and did not come to write down. One of the same name that is
/// not ours is proposed, and nothing is done to it.
fn found(hand: &mut Hand<'_>, person: &Person) -> Result<Option<String>, Fault> {
    let marker = marker(hand, person);
    if let Some(ours) = hand.marked(USERS, &marker)? {
        bind(hand, person, &ours)?;
        return Ok(Some(ours.id().to_owned()));
    }
    let Some(other) = hand.only(USERS, "userName", &person.upn)? else { return Ok(None) };
    let found =
        Found { id: other.id(), name: other.text("userName"), standing: Standing::Proposed };
    hand.link(Class::User, &of_user(person.id), Some(person.id), &found)?;
    Err(undecided(other.text("userName")))
}

fn bind(hand: &mut Hand<'_>, person: &Person, ours: &Resource) -> Result<(), Fault> {
    let name = if ours.text("userName").is_empty() { &person.upn } else { ours.text("userName") };
    let found = Found { id: ours.id(), name, standing: Standing::Bound };
    hand.outputs.insert("id".into(), ours.id().into());
    hand.link(Class::User, &of_user(person.id), Some(person.id), &found)
}

fn create(hand: &mut Hand<'_>, person: &Person, active: Option<bool>) -> Result<(), Fault> {
    let mut wanted = wanted(hand, person, active);
    shape::lists(person, &hand.features, &Map::new(), &mut wanted);
    wanted.push((shape::Path::Plain("externalId".into()), marker(hand, person).into()));
    let (_, mut body) = shape::difference(&wanted, &Map::new());
    let schemas = match body.contains_key(ENTERPRISE) {
        true => json!([USER, ENTERPRISE]),
        false => json!([USER]),
    };
    body.insert("schemas".into(), schemas);
    if !hand.go(format!("make the account {}", person.upn)) {
        return Ok(());
    }
    match hand.session.create(USERS, &Value::Object(body)) {
        Ok(made) => bind(hand, person, &made),
        // Somebody was quicker: an attempt of ours that did not hear the answer, or a stranger.
        Err(Fault::Taken(text)) => match found(hand, person)? {
            Some(id) => update(hand, person, &id, active),
            None => Err(Fault::Refused(text)),
        },
        Err(fault) => Err(fault),
    }
}

fn wanted(hand: &mut Hand<'_>, person: &Person, active: Option<bool>) -> shape::Wanted {
    let none = Map::new();
    let attributes =
        hand.order.params.get("attributes").and_then(Value::as_object).unwrap_or(&none);
    let mut warnings = Vec::new();
    let mut wanted = shape::of_user(person, &hand.features, attributes, &mut warnings);
    hand.warnings = warnings;
    if let Some(active) = active {
        wanted.push((shape::Path::Plain("active".into()), active.into()));
    }
    wanted
}

fn update(
    hand: &mut Hand<'_>,
    person: &Person,
    id: &str,
    active: Option<bool>,
) -> Result<(), Fault> {
    let plain = wanted(hand, person, active);
    let marker = marker(hand, person);
    let before = hand.changes.len();
    in_peace(|| {
        hand.changes.truncate(before);
        let seen = hand.session.read(&[USERS, id])?;
        let mut wanted = plain.clone();
        shape::lists(person, &hand.features, &seen.body, &mut wanted);
        wanted.push((shape::Path::Plain("externalId".into()), marker.clone().into()));
        let (operations, whole) = shape::difference(&wanted, &seen.body);
        if !operations.is_empty() {
            let what = format!("{}: {}", seen.text("userName"), shape::names(&operations));
            if !hand.go(what) {
                return Ok(());
            }
            hand.write(USERS, &seen, &operations, &whole)?;
        }
        let name = Resource { body: whole, version: None };
        bind(hand, person, &name)
    })
}

/// Off is off, however it came to be.
fn switch_off(hand: &mut Hand<'_>) -> Result<(), Fault> {
    let person = person(hand)?;
    let Some(link) = hand.linked(Class::User, &of_user(person.id))? else { return Ok(()) };
    if link.standing == Standing::Proposed {
        return Ok(());
    }
    in_peace(|| {
        let Some(seen) = there(hand, &link)? else { return Ok(()) };
        let wanted = vec![(shape::Path::Plain("active".into()), Value::Bool(false))];
        let (operations, whole) = shape::difference(&wanted, &seen.body);
        if operations.is_empty() || !hand.go(format!("{}: not active any more", link.name)) {
            return Ok(());
        }
        hand.write(USERS, &seen, &operations, &whole).map(|_| ())
    })
}

/// Off first; then what the rule says: deleted, left there as somebody else's, or kept.
fn remove(hand: &mut Hand<'_>) -> Result<(), Fault> {
    let person = person(hand)?;
    let Some(link) = hand.linked(Class::User, &of_user(person.id))? else { return Ok(()) };
    if link.standing == Standing::Proposed {
        return if hand.order.dry_run { Ok(()) } else { hand.unlink(&link) };
    }
    let end = match (hand.order.what, hand.text("removal")) {
        ("delete", _) => "delete",
        (_, Some(end)) => end,
        (_, None) => "keep",
    }
    .to_owned();
    switch_off(hand)?;
    match end.as_str() {
        "delete" => {
            if !hand.go(format!("delete the account {}", link.name)) {
                return Ok(());
            }
            in_peace(|| {
                let Some(seen) = there(hand, &link)? else { return Ok(()) };
                let version = seen.version.as_deref().filter(|_| hand.features.versions);
                hand.session.delete((USERS, &link.object), version)
            })?;
            hand.unlink(&link)
        }
        "unmanage" => match hand.go(format!("leave the account {} to others", link.name)) {
            true => hand.unlink(&link),
            false => Ok(()),
        },
        "keep" => Ok(()),
        other => Err(Fault::Refused(format!("“{other}” is not delete, unmanage or keep."))),
    }
}
