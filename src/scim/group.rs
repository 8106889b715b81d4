//! Groups of a SCIM service, and who is in them.

use super::store::{Link, Person};
use super::{Class, Found, Hand, Standing, in_peace, of_group, store, user};
use crate::drivers::scim::{Fault, Resource};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const GROUPS: &str = "Groups";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// So many members are written at once.
const AT_ONCE: usize = 100;

pub fn perform(hand: &mut Hand<'_>) -> Result<(), Fault> {
    let name = named(hand, "name")?;
    match hand.order.what {
        "create" | "change" | "ensure" | "resume" | "enable" => {
            let id = ensure(hand, &name)?;
            match (id, hand.text("members")) {
                (Some(id), Some("holders")) => holders(hand, &name, &id),
                _ => Ok(()),
            }
        }
        // Whoever is suspended has no account that works; the group says nothing about it.
        "suspend" | "disable" => Ok(()),
        "remove" | "delete" => remove(hand, &name),
        other => Err(Fault::Refused(format!(
            "“{other}” is nothing that is done with a group: create, change or remove."
        ))),
    }
}

fn named(hand: &Hand<'_>, parameter: &str) -> Result<String, Fault> {
    let text = hand.text(parameter).map(str::to_owned);
    text.ok_or_else(|| Fault::Refused(format!("The step names no {parameter}.")))
}

/// The group that is ours under that name, as it is there now.
fn linked(hand: &mut Hand<'_>, name: &str) -> Result<Option<(Link, Option<Resource>)>, Fault> {
    let Some(link) = hand.linked(Class::Group, &of_group(name))? else { return Ok(None) };
    let there = match link.standing {
        Standing::Lost => None,
        Standing::Proposed => return Err(undecided(name)),
        Standing::Bound => match hand.session.read(&[GROUPS, &link.object]) {
            Ok(group) => Some(group),
            Err(Fault::Missing) => {
                hand.lose(&link)?;
                None
            }
            Err(fault) => return Err(fault),
        },
    };
    Ok(Some((link, there)))
}

fn undecided(name: &str) -> Fault {
    Fault::Refused(format!(
        "There is a group “{name}” already that nobody has linked. Say on the page of the connector, under Who is who there, whether it is ours, then try again."
    ))
}

fn lost(name: &str) -> Fault {
    Fault::Refused(format!(
        "The group “{name}” was deleted outside. To have it made anew say so on the page of the connector, under Who is who there, then try again."
    ))
}

fn marker(hand: &Hand<'_>, name: &str) -> String {
    hand.marker(&format!("group{}-{}", hand.order.customer, name.trim().to_lowercase()))
}

/// Its id; none in a dry run that would make it.
fn ensure(hand: &mut Hand<'_>, name: &str) -> Result<Option<String>, Fault> {
    let found = match linked(hand, name)? {
        Some((_, Some(group))) => Some(group),
        Some((_, None)) => return Err(lost(name)),
        None => found(hand, name)?,
    };
    let group = match found {
        Some(group) => group,
        None => match create(hand, name)? {
            Some(group) => group,
            None => return Ok(None),
        },
    };
    hand.outputs.insert("id".into(), group.id().into());
    let found = Found { id: group.id(), name, standing: Standing::Bound };
    hand.link(Class::Group, &of_group(name), None, &found)?;
    Ok(Some(group.id().to_owned()))
}

/// One that an earlier attempt made; one of that name that is not ours is proposed.
fn found(hand: &mut Hand<'_>, name: &str) -> Result<Option<Resource>, Fault> {
    let marker = marker(hand, name);
    if let Some(ours) = hand.marked(GROUPS, &marker)? {
        return Ok(Some(ours));
    }
    let Some(other) = hand.only(GROUPS, "displayName", name)? else { return Ok(None) };
    let found = Found { id: other.id(), name, standing: Standing::Proposed };
    hand.link(Class::Group, &of_group(name), None, &found)?;
    Err(undecided(name))
}

fn create(hand: &mut Hand<'_>, name: &str) -> Result<Option<Resource>, Fault> {
    let body = json!({ "schemas": [GROUP], "displayName": name, "externalId": marker(hand, name) });
    if !hand.go(format!("make the group {name}")) {
        return Ok(None);
    }
    match hand.session.create(GROUPS, &body) {
        Err(Fault::Taken(text)) => match found(hand, name)? {
            Some(group) => Ok(Some(group)),
            None => Err(Fault::Refused(text)),
        },
        made => made.map(Some),
    }
}

fn remove(hand: &mut Hand<'_>, name: &str) -> Result<(), Fault> {
    let Some(link) = hand.linked(Class::Group, &of_group(name))? else { return Ok(()) };
    if link.standing == Standing::Bound {
        if !hand.go(format!("delete the group {name}")) {
            return Ok(());
        }
        in_peace(|| {
            let seen = match hand.session.read(&[GROUPS, &link.object]) {
                Err(Fault::Missing) => return Ok(()),
                seen => seen?,
            };
            let version = seen.version.as_deref().filter(|_| hand.features.versions);
            hand.session.delete((GROUPS, &link.object), version)
        })?;
    }
    if hand.order.dry_run { Ok(()) } else { hand.unlink(&link) }
}

fn members(group: &Resource) -> BTreeSet<String> {
    let all = group.body.get("members").and_then(Value::as_array);
    let ids = all.into_iter().flatten().filter_map(|each| each.get("value"));
    ids.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Everybody of the customer who has the service is in it, and nobody else of ours; strangers stay.
fn holders(hand: &mut Hand<'_>, name: &str, id: &str) -> Result<(), Fault> {
    let Some(service) = hand.order.customer_service else {
        return Err(Fault::refused("The request is about no service that somebody could have."));
    };
    let (connector, customer) = (hand.line.id, hand.order.customer);
    let (wanted, ours) = hand.db.read(|db| {
        Ok((
            store::holders(db, connector, customer, service)?,
            store::linked_users(db, connector, customer)?,
        ))
    })?;
    let before = hand.changes.len();
    in_peace(|| {
        hand.changes.truncate(before);
        let mut group = hand.session.read(&[GROUPS, id])?;
        let now = members(&group);
        let add: Vec<&String> = wanted.difference(&now).collect();
        let take: Vec<&String> =
            now.intersection(&ours).filter(|id| !wanted.contains(*id)).collect();
        if add.is_empty() && take.is_empty() {
            return Ok(());
        }
        if !hand.go(format!("{name}: {} in, {} out", add.len(), take.len())) {
            return Ok(());
        }
        if !hand.features.patch {
            let whole: BTreeSet<&String> =
                now.iter().filter(|id| !take.contains(id)).chain(add).collect();
            return put(hand, &group, whole).map(|_| ());
        }
        for some in add.chunks(AT_ONCE) {
            let values: Vec<Value> = some.iter().map(|id| json!({ "value": id })).collect();
            let one = json!({ "op": "add", "path": "members", "value": values });
            group = written(hand, &group, &[one])?;
        }
        for some in take.chunks(AT_ONCE) {
            let each: Vec<Value> = some.iter().map(|id| without(id)).collect();
            group = written(hand, &group, &each)?;
        }
        Ok(())
    })
}

fn without(id: &str) -> Value {
    json!({ "op": "remove", "path": format!("members[value eq {}]", Value::from(id)) })
}

/// Writes, and says what it is then, so that the next part goes by the new version.
fn written(hand: &mut Hand<'_>, group: &Resource, operations: &[Value]) -> Result<Resource, Fault> {
    let then = hand.write(GROUPS, group, operations, &Map::new())?;
    match then.filter(|then| then.version.is_some() && !then.id().is_empty()) {
        Some(then) => Ok(then),
        None => hand.session.read(&[GROUPS, group.id()]),
    }
}

fn put(
    hand: &mut Hand<'_>,
    group: &Resource,
    members: BTreeSet<&String>,
) -> Result<Option<Resource>, Fault> {
    let mut whole = group.body.clone();
    let all: Vec<Value> = members.into_iter().map(|id| json!({ "value": id })).collect();
    whole.insert("members".into(), Value::Array(all));
    hand.write(GROUPS, group, &[], &whole)
}

/// One user in or out of one group.
pub fn member(hand: &mut Hand<'_>) -> Result<(), Fault> {
    let name = named(hand, "group")?;
    let add = match hand.order.what {
        "add" | "create" | "change" | "ensure" | "resume" | "enable" => true,
        "take" | "remove" | "delete" | "suspend" | "disable" => false,
        other => return Err(Fault::Refused(format!("“{other}” is not add or remove."))),
    };
    let person = whom(hand)?;
    let Some(id) = user::id_of(hand, &person)? else {
        return match add {
            true => Err(Fault::Refused(format!("{} has no account there.", person.upn))),
            false => Ok(()),
        };
    };
    let found = match linked(hand, &name)? {
        Some((_, found)) => found,
        None => found(hand, &name)?,
    };
    let group = match (found, add) {
        (Some(group), _) => group.id().to_owned(),
        (None, true) => return Err(Fault::Refused(format!("There is no group {name} of ours."))),
        (None, false) => return Ok(()),
    };
    in_peace(|| {
        let group = hand.session.read(&[GROUPS, &group])?;
        let mut now = members(&group);
        if now.contains(&id) == add {
            return Ok(());
        }
        let (what, operation) = match add {
            true => ("into", json!({ "op": "add", "path": "members", "value": [{ "value": id }] })),
            false => ("out of", without(&id)),
        };
        hand.changes.clear();
        if !hand.go(format!("{} {what} the group {name}", person.upn)) {
            return Ok(());
        }
        if hand.features.patch {
            return hand.write(GROUPS, &group, &[operation], &Map::new()).map(|_| ());
        }
        if add {
            now.insert(id.clone());
        } else {
            now.remove(&id);
        }
        put(hand, &group, now.iter().collect()).map(|_| ())
    })
}

/// The request's user, or another of the same customer by the sign-in name.
fn whom(hand: &Hand<'_>) -> Result<Person, Fault> {
    let customer = hand.order.customer;
    let user = match hand.text("user") {
        None | Some("self") => {
            hand.order.user.ok_or_else(|| Fault::refused("The request is about no user."))?
        }
        Some(upn) => hand.db.read(|db| store::by_upn(db, customer, upn))?.ok_or_else(|| {
            Fault::Refused(format!("The customer has no user with the sign-in name {upn}."))
        })?,
    };
    Ok(hand.db.read(|db| store::person(db, customer, user))?)
}
