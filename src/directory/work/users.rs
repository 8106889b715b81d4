//! Accounts of users: made, renamed, moved, deleted.

use super::access::of_password;
use super::desk::{Desk, parse};
use super::fields::{SEEN, addresses_free, update, wanted};
use super::store::{self, Person};
use super::{first_password, plan, units};
use crate::directory::Class;
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::{self, Fault};
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::drivers::ldap::session::{At, Change, Depth, Entry};

fn subject(person: &Person) -> String {
    format!("user {}", person.id)
}

/// The account that is bound to the user; none where none is, or where it was deleted.
fn bound(desk: &mut Desk<'_>, person: &Person, more: &[&str]) -> Result<Option<Entry>, Fault> {
    let bound = desk.bound(Class::User, desk.order.customer, &subject(person))?;
    let Some(bound) = bound else { return Ok(None) };
    let wanted: Vec<&str> = SEEN.iter().chain(more).copied().collect();
    desk.by_id(&bound.object, &wanted)
}

/// The account that an action is about: the user's own, or one within the customer's part by name.
pub fn target(desk: &mut Desk<'_>, more: &[&str]) -> Result<Option<Entry>, Fault> {
    match desk.text("user") {
        None | Some("self") => {
            let person = desk.person()?;
            let found = bound(desk, &person, more)?;
            if let Some(entry) = &found {
                let name = entry.dn()?;
                desk.guard(&name)?;
            }
            Ok(found)
        }
        Some(text) => {
            let wanted: Vec<&str> = SEEN.iter().chain(more).copied().collect();
            let found = match text.contains('=') {
                true => desk.by_name(&parse(text)?, &wanted)?,
                false => {
                    let area = desk.area()?;
                    let found = desk.below(&area, &by_account(desk, text), 2)?;
                    match found.first() {
                        Some(entry) => desk.by_name(&entry.dn()?, &wanted)?,
                        None => None,
                    }
                }
            };
            if let Some(entry) = &found {
                let name = entry.dn()?;
                desk.guard(&name)?;
            }
            Ok(found)
        }
    }
}

fn by_account(desk: &Desk<'_>, account: &str) -> Filter {
    match desk.is_ad() {
        true => Filter::is("sAMAccountName", account),
        false => Filter::is("uid", account),
    }
}

pub fn needed(found: Option<Entry>) -> Result<Entry, Fault> {
    found.ok_or_else(|| Fault::refused("The user has no account in the directory."))
}

/// Makes the account, disabled and with a password that nobody knows; or brings it up to date.
pub fn ensure(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let person = desk.person()?;
    let account = desk.text("account").unwrap_or(&person.username).to_owned();
    let upn = desk.text("upn").unwrap_or(&person.upn).to_owned();
    if account.is_empty() || account.chars().count() > 20 {
        let text = format!("The user name “{account}” must have 1 to 20 characters.");
        return Err(Fault::refused(text));
    }
    let place = match desk.text("ou") {
        None | Some("self") => units::of_user(desk, &person.department, &person.office)?,
        Some(ou) => {
            let place = parse(ou)?;
            if place != units::own_area(desk)? {
                desk.guard(&place)?;
            }
            place
        }
    };
    let known = desk.bound(Class::User, desk.order.customer, &subject(&person))?;
    let found = match bound(desk, &person, &[])? {
        Some(entry) => Some(entry),
        None => match &known {
            Some(gone) => {
                return Err(Fault::refused(format!(
                    "The account {} was deleted in the directory. Remove the service and give it again for a new account.",
                    gone.dn
                )));
            }
            None => marked(desk, &person)?,
        },
    };
    match found {
        Some(entry) => {
            let entry = match known.as_ref().is_some_and(|known| known.adopted) {
                true => brought_in(desk, entry, &place)?,
                false => entry,
            };
            let name = entry.dn()?;
            if !(desk.order.dry_run && known.as_ref().is_some_and(|known| known.adopted)) {
                desk.guard(&name)?;
            }
            // OpenLDAP takes the first password in a call of its own, which may not have come about.
            if known.is_none() && !desk.is_ad() && !desk.order.dry_run {
                desk.session.set_password(&name, &first_password()?)?;
            }
            if !desk.order.dry_run {
                desk.bind(
                    Class::User,
                    (desk.order.customer, Some(person.id)),
                    &subject(&person),
                    &entry,
                )?;
            }
            desk.give(&entry)?;
            update(desk, &person, &entry)
        }
        None => create(desk, &person, &place, &account, &upn),
    }
}

/// An account that somebody said is theirs comes to where the customer's accounts are.
fn brought_in(desk: &mut Desk<'_>, entry: Entry, place: &Dn) -> Result<Entry, Fault> {
    let name = entry.dn()?;
    let area = desk.area()?;
    if name.is_below(&area) {
        return Ok(entry);
    }
    let step = name.first().cloned().ok_or_else(|| Fault::refused("It has no name."))?;
    if !desk.go(format!("move {name} to {place}, because it was adopted")) {
        return Ok(entry);
    }
    let id = desk.id_of(&entry)?;
    desk.session.rename(&name, &step, Some(place))?;
    needed(desk.by_id(&id, SEEN)?)
}

/// One that an earlier attempt made and did not come to write down.
fn marked(desk: &mut Desk<'_>, person: &Person) -> Result<Option<Entry>, Fault> {
    match desk.by_mark(Class::User, &format!("user{}", person.id))? {
        Some(entry) => desk.by_name(&entry.dn()?, SEEN),
        None => Ok(None),
    }
}

fn create(
    desk: &mut Desk<'_>,
    person: &Person,
    place: &Dn,
    account: &str,
    upn: &str,
) -> Result<(), Fault> {
    free(desk, person, account, upn)?;
    addresses_free(desk, person, None)?;
    let step = match desk.is_ad() {
        true => free_step(desk, place, person)?,
        false => units::step("uid", account)?,
    };
    let name = place.child(step);
    if !desk.go(format!("make the account {name}")) {
        return Ok(());
    }
    let first = first_password()?;
    let mut needed = needs(desk, person, &name, account, upn);
    if desk.is_ad() {
        needed.push(("userAccountControl".into(), vec![ad::NEW_ACCOUNT.to_string().into_bytes()]));
        needed.push(("unicodePwd".into(), vec![ad::password(&first)]));
    }
    let wanted = wanted(desk, person, &Entry::default())?;
    let mut whole = needed.clone();
    whole.extend(
        wanted
            .iter()
            .filter(|(attribute, values)| {
                !values.is_empty()
                    && !needed.iter().any(|(known, _)| known.eq_ignore_ascii_case(attribute))
            })
            .map(|(attribute, values)| (attribute.clone(), values.clone())),
    );
    let mut rest = false;
    match desk.session.add(&name, &whole) {
        Err(fault) if Desk::is_soft(&fault) => {
            rest = true;
            desk.session.add(&name, &needed).map_err(of_password)?;
        }
        Err(fault) if fault.is(fault::EXISTS) || Desk::is_taken(&fault) => {
            return Err(taken(desk, person, account, upn, &fault));
        }
        ended => ended.map_err(of_password)?,
    }
    if !desk.is_ad() {
        desk.session.set_password(&name, &first)?;
    }
    let entry = desk.by_name(&name, SEEN)?.ok_or_else(|| units::not_seen(&name))?;
    desk.bind(Class::User, (desk.order.customer, Some(person.id)), &subject(person), &entry)?;
    if rest {
        let changes = plan::differences(&wanted, &entry);
        let at = desk.at(&entry)?;
        desk.modify_softly(&at, &changes)?;
    }
    desk.give(&entry)
}

/// Somebody else was quicker, or it is outside what we may read.
fn taken(desk: &mut Desk<'_>, person: &Person, account: &str, upn: &str, fault: &Fault) -> Fault {
    match free(desk, person, account, upn) {
        Err(found) => found,
        Ok(()) => fault.clone(),
    }
}

/// What an account must have from its first moment.
fn needs(
    desk: &Desk<'_>,
    person: &Person,
    name: &Dn,
    account: &str,
    upn: &str,
) -> Vec<(String, Vec<Vec<u8>>)> {
    let one =
        |attribute: &str, value: &str| (attribute.to_owned(), vec![value.as_bytes().to_vec()]);
    let classes: &[&[u8]] = match desk.is_ad() {
        true => &[b"top", b"person", b"organizationalPerson", b"user"],
        false => &[b"top", b"person", b"organizationalPerson", b"inetOrgPerson"],
    };
    let mut all =
        vec![("objectClass".to_owned(), classes.iter().map(|class| class.to_vec()).collect())];
    if desk.is_ad() {
        all.push(one("cn", name.first().map(Rdn::value).unwrap_or_default()));
        all.push(one("sAMAccountName", account));
        all.push(one("userPrincipalName", upn));
    } else {
        all.push(one("uid", account));
        all.push(one("cn", &person.display_name));
        let last =
            [&person.last_name, &person.display_name].into_iter().find(|name| !name.is_empty());
        all.push(one("sn", last.map_or("-", String::as_str)));
    }
    if let Some(mark) = desk.mark(&format!("user{}", person.id)) {
        all.push((desk.mark_attribute(Class::User).to_owned(), vec![mark.into_bytes()]));
    }
    all
}

/// Nobody else has the name that the account is to have.
fn free(desk: &mut Desk<'_>, person: &Person, account: &str, upn: &str) -> Result<(), Fault> {
    let filter = match desk.is_ad() {
        true => Filter::Any(vec![
            Filter::is("sAMAccountName", account),
            Filter::is("userPrincipalName", upn),
        ]),
        false => Filter::is("uid", account),
    };
    let at = At::Named(desk.whole());
    let found = desk.session.search(&at, Depth::Everything, &filter, &["cn"], 1)?;
    match found.first() {
        None => Ok(()),
        Some(entry) => Err(Fault::refused(format!(
            "An account of that name is in the directory already and is not ours: {}. Adopt it, or give {} another user name.",
            entry.name, person.display_name
        ))),
    }
}

/// The nicest name that nothing in the OU has.
fn free_step(desk: &mut Desk<'_>, place: &Dn, person: &Person) -> Result<Rdn, Fault> {
    let asked = desk.text("cn").unwrap_or(&person.display_name).to_owned();
    for name in plan::common_names(&asked, &person.upn) {
        let step = units::step("CN", &name)?;
        if desk.by_name(&place.child(step.clone()), &[])?.is_none() {
            return Ok(step);
        }
    }
    Err(Fault::refused(format!("A hundred accounts in {place} are called {asked}.")))
}

/// Each name by choice: what is not given stays.
pub fn rename(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let entry = needed(target(desk, &[])?)?;
    let id = desk.id_of(&entry)?;
    let mut changes = Vec::new();
    let (account, upn) =
        if desk.is_ad() { ("sAMAccountName", "userPrincipalName") } else { ("", "") };
    for (given, attribute) in [("account", account), ("upn", upn)] {
        let Some(text) = desk.text(given).filter(|_| !attribute.is_empty()) else { continue };
        if given == "account" && text.chars().count() > 20 {
            return Err(Fault::refused(format!(
                "The user name “{text}” must have 20 characters at most."
            )));
        }
        if entry.text(attribute) != text {
            others(desk, attribute, text, &entry)?;
            changes.push(Change::Set(attribute.to_owned(), vec![text.as_bytes().to_vec()]));
        }
    }
    for change in &changes {
        if desk.go(format!("change {} of {}", change.attribute(), entry.name)) {
            let at = desk.at(&entry)?;
            desk.session.modify(&at, std::slice::from_ref(change))?;
        }
    }
    let name = entry.dn()?;
    let (kind, given) =
        if desk.is_ad() { ("CN", desk.text("cn")) } else { ("uid", desk.text("account")) };
    if let Some(given) = given
        && name.first().is_none_or(|first| first.value() != given)
    {
        let step = units::step(kind, given)?;
        if desk.go(format!("rename {name} to {given}")) {
            desk.session.rename(&name, &step, None)?;
        }
    }
    again(desk, &id)
}

fn others(
    desk: &mut Desk<'_>,
    attribute: &'static str,
    text: &str,
    own: &Entry,
) -> Result<(), Fault> {
    let at = At::Named(desk.whole());
    let found =
        desk.session.search(&at, Depth::Everything, &Filter::is(attribute, text), &["cn"], 2)?;
    match found.iter().find(|entry| entry.name != own.name) {
        None => Ok(()),
        Some(other) => {
            Err(Fault::refused(format!("{text} is the name of {} already.", other.name)))
        }
    }
}

/// Looks once more, and remembers where it is now.
fn again(desk: &mut Desk<'_>, id: &str) -> Result<(), Fault> {
    let Some(entry) = desk.by_id(id, &[])? else { return Ok(()) };
    let known = desk.app.db.read(|db| store::of_object(db, desk.line.id, id))?;
    if let Some(known) = known.filter(|_| !desk.order.dry_run) {
        desk.bind(known.class, (known.customer, known.user), &known.subject, &entry)?;
    }
    desk.give(&entry)
}

/// Into another OU of the customer, or the one that its structure says.
pub fn relocate(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let entry = needed(target(desk, &[])?)?;
    let id = desk.id_of(&entry)?;
    let place = match desk.text("ou") {
        None | Some("self") => {
            let person = desk.person()?;
            units::of_user(desk, &person.department, &person.office)?
        }
        Some(text) => {
            let place = match text.contains('=') {
                true => parse(text)?,
                false => units::own_area(desk)?.child(units::step("OU", text)?),
            };
            if place != units::own_area(desk)? {
                desk.guard(&place)?;
            }
            place
        }
    };
    let name = entry.dn()?;
    if name.parent().is_some_and(|parent| parent == place) {
        return again(desk, &id);
    }
    let step = name.first().cloned().ok_or_else(|| Fault::refused("It has no name."))?;
    if desk.go(format!("move {name} to {place}")) {
        desk.session.rename(&name, &step, Some(&place))?;
    }
    again(desk, &id)
}

pub fn delete(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let Some(entry) = target(desk, &[])? else { return forget(desk) };
    let id = desk.id_of(&entry)?;
    if !desk.go(format!("delete the account {}", entry.name)) {
        return Ok(());
    }
    let at = desk.at(&entry)?;
    match desk.session.delete(&at) {
        Err(fault) if fault.is(fault::NOT_A_LEAF) => {
            let name = entry.dn()?;
            return Err(units::not_empty(desk, &name, &fault));
        }
        Err(fault) if fault.is(fault::ABSENT) => {}
        ended => ended?,
    }
    desk.unbind(&id)
}

/// What is deleted there already is forgotten here.
fn forget(desk: &mut Desk<'_>) -> Result<(), Fault> {
    if desk.text("user").is_some_and(|user| user != "self") || desk.order.dry_run {
        return Ok(());
    }
    let person = desk.person()?;
    match desk.bound(Class::User, desk.order.customer, &subject(&person))? {
        Some(bound) => desk.unbind(&bound.object),
        None => Ok(()),
    }
}
