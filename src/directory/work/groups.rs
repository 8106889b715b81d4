//! Groups, and who is in them.

use super::desk::{Desk, parse};
use super::store;
use super::units;
use crate::directory::Class;
use crate::drivers::ldap::fault::{self, Fault};
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, fold};
use crate::drivers::ldap::session::{At, Change, Depth, Entry};

/// `groupType` of Active Directory: security has the highest bit.
const KINDS: [(&str, &str); 4] = [
    ("global", "-2147483646"),
    ("domain_local", "-2147483644"),
    ("universal", "-2147483640"),
    ("distribution", "2"),
];

fn subject(name: &str) -> String {
    format!("group {}", fold(name))
}

fn is_group(desk: &Desk<'_>) -> Filter {
    match desk.is_ad() {
        true => Filter::is("objectClass", "group"),
        false => Filter::is("objectClass", "groupOfNames"),
    }
}

/// A group by its name, wherever in the customer's part it is.
fn find(desk: &mut Desk<'_>, text: &str) -> Result<Option<Entry>, Fault> {
    if text.contains('=') {
        let name = parse(text)?;
        desk.guard(&name)?;
        return desk.by_name(&name, &[]);
    }
    if let Some(bound) = desk.bound(Class::Group, desk.order.customer, &subject(text))?
        && let Some(entry) = desk.by_id(&bound.object, &[])?
    {
        let name = entry.dn()?;
        desk.guard(&name)?;
        return Ok(Some(entry));
    }
    let area = desk.area()?;
    let filter = Filter::All(vec![is_group(desk), Filter::is("cn", text)]);
    Ok(desk.below(&area, &filter, 2)?.into_iter().next())
}

fn named<'d>(desk: &Desk<'d>, parameter: &str) -> Result<&'d str, Fault> {
    desk.text(parameter).ok_or_else(|| Fault::refused(format!("The step names no {parameter}.")))
}

pub fn ensure(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let customer = desk.order.customer;
    let name = named(desk, "name")?;
    let kind = desk.text("kind").unwrap_or("global");
    let Some((_, number)) = KINDS.iter().find(|(word, _)| *word == kind) else {
        return Err(Fault::refused(format!("“{kind}” is not a kind of group.")));
    };
    let own = units::own_area(desk)?;
    let place = match desk.text("ou") {
        None | Some("self") => own,
        Some(text) => {
            let place = parse(text)?;
            if place != own {
                desk.guard(&place)?;
            }
            place
        }
    };
    let what = format!("group{customer}-{}", fold(name));
    let bound = desk.bound(Class::Group, customer, &subject(name))?;
    let known = match bound {
        Some(bound) => desk.by_id(&bound.object, &[])?,
        None => None,
    };
    let known = match known {
        Some(entry) => Some(entry),
        None => desk.by_mark(Class::Group, &what)?,
    };
    if let Some(entry) = known {
        let found = entry.dn()?;
        desk.guard(&found)?;
        if !desk.order.dry_run {
            desk.bind(Class::Group, (customer, None), &subject(name), &entry)?;
        }
        return desk.give(&entry);
    }
    let dn = place.child(units::step("CN", name)?);
    if desk.is_ad() {
        let at = At::Named(desk.whole());
        let filter = Filter::is("sAMAccountName", name);
        let found = desk.session.search(&at, Depth::Everything, &filter, &["cn"], 1)?;
        if let Some(entry) = found.first() {
            return Err(Fault::refused(format!(
                "{} has the name {name} already and is not ours. Choose another name for the group.",
                entry.name
            )));
        }
    } else if desk.by_name(&dn, &[])?.is_some() {
        return Err(Fault::refused(format!("{dn} is there already and is not ours.")));
    }
    if !desk.go(format!("make the group {dn}")) {
        return Ok(());
    }
    let mut all = match desk.is_ad() {
        true => {
            vec![one("objectClass", "group"), one("sAMAccountName", name), one("groupType", number)]
        }
        // Without a member there is no group; nobody is the empty name.
        false => vec![one("objectClass", "groupOfNames"), ("member".to_owned(), vec![Vec::new()])],
    };
    all.push(one("cn", name));
    if let Some(mail) = desk.text("mail").filter(|_| desk.is_ad()) {
        all.push(one("mail", mail));
    }
    if let Some(mark) = desk.mark(&what) {
        all.push(one(desk.mark_attribute(Class::Group), &mark));
    }
    desk.session.add(&dn, &all)?;
    let entry = desk.by_name(&dn, &[])?.ok_or_else(|| units::not_seen(&dn))?;
    desk.bind(Class::Group, (customer, None), &subject(name), &entry)?;
    desk.give(&entry)
}

fn one(attribute: &str, value: &str) -> (String, Vec<Vec<u8>>) {
    (attribute.to_owned(), vec![value.as_bytes().to_vec()])
}

/// The id is the link: whoever names it by its new name finds the same group.
pub fn rename(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let (group, name) = (named(desk, "group")?, named(desk, "name")?);
    let found = match find(desk, group)? {
        Some(entry) => Some(entry),
        // An earlier attempt has given it the new name.
        None => find(desk, name)?,
    };
    let Some(entry) = found else {
        return Err(Fault::refused(format!("There is no group {group} in the customer's part.")));
    };
    let id = desk.id_of(&entry)?;
    let dn = entry.dn()?;
    if dn.first().is_none_or(|first| first.value() != name)
        && desk.go(format!("rename the group {dn} to {name}"))
    {
        if desk.is_ad() && entry.text("sAMAccountName") != name {
            let change = Change::Set("sAMAccountName".into(), vec![name.as_bytes().to_vec()]);
            desk.session.modify(&At::Guid(id.clone()), &[change])?;
        }
        desk.session.rename(&dn, &units::step("CN", name)?, None)?;
    }
    let Some(entry) = desk.by_id(&id, &[])? else { return Ok(()) };
    if !desk.order.dry_run {
        let known = desk.app.db.read(|db| store::of_object(db, desk.line.id, &id))?;
        if known.is_some() {
            desk.rebind(Class::Group, &subject(name), &entry)?;
        }
    }
    desk.give(&entry)
}

pub fn remove(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let group = named(desk, "group")?;
    let Some(entry) = find(desk, group)? else {
        // Deleted already, perhaps by an attempt that did not come to write it down.
        let known = desk.bound(Class::Group, desk.order.customer, &subject(group))?;
        return match known {
            Some(known) if !desk.order.dry_run => desk.unbind(&known.object),
            _ => Ok(()),
        };
    };
    let id = desk.id_of(&entry)?;
    let ours = desk.app.db.read(|db| store::of_object(db, desk.line.id, &id))?;
    if ours.is_none_or(|ours| ours.customer != desk.order.customer) {
        return Err(Fault::refused(format!("{} was not made by us and stays.", entry.name)));
    }
    if !desk.go(format!("delete the group {}", entry.name)) {
        return Ok(());
    }
    let at = desk.at(&entry)?;
    match desk.session.delete(&at) {
        Err(fault) if fault.is(fault::ABSENT) => {}
        ended => ended?,
    }
    desk.unbind(&id)
}

/// Adds or takes away one member. Whoever was quicker with the same did the same.
pub fn member(desk: &mut Desk<'_>, add: bool) -> Result<(), Fault> {
    let group = named(desk, "group")?;
    let Some(entry) = find(desk, group)? else {
        return match add {
            true => {
                Err(Fault::refused(format!("There is no group {group} in the customer's part.")))
            }
            false => Ok(()),
        };
    };
    let Some(it) = whom(desk, add)? else {
        return match add {
            true => Err(Fault::refused("The user has no account in the directory.")),
            false => Ok(()),
        };
    };
    let (at, who) = (desk.at(&entry)?, it.dn()?);
    let group_id = desk.id_of(&entry)?;
    if is_member(desk, &at, &who)? == add {
        desk.member(&group_id, &it, add)?;
        return desk.give(&entry);
    }
    let what = match add {
        true => format!("add {who} to {}", entry.name),
        false => format!("take {who} out of {}", entry.name),
    };
    if desk.go(what) {
        let change = |add: bool, value: Vec<u8>| match add {
            true => Change::Add("member".into(), vec![value]),
            false => Change::Remove("member".into(), vec![value]),
        };
        let name = who.to_string().into_bytes();
        let done = match desk.session.modify(&at, &[change(add, name.clone())]) {
            // A group of OpenLDAP that lost its placeholder cannot become empty without it.
            Err(fault) if !add && fault.is(fault::OBJECT_CLASS) => {
                desk.session.modify(&at, &[change(true, Vec::new()), change(false, name)])
            }
            done => done,
        };
        let same = match add {
            true => [fault::EXISTS, fault::VALUE_EXISTS, fault::VALUE_EXISTS],
            false => [fault::UNWILLING, fault::NO_SUCH_ATTRIBUTE, fault::ABSENT],
        };
        match done {
            Err(fault) if fault.code.is_some_and(|code| same.contains(&code)) => {
                if is_member(desk, &at, &who)? != add {
                    return Err(fault);
                }
                desk.changes.pop();
            }
            done => done?,
        }
        desk.member(&group_id, &it, add)?;
    }
    desk.give(&entry)
}

/// Asked of the group, so that one with many members is not read whole.
fn is_member(desk: &mut Desk<'_>, at: &At, who: &Dn) -> Result<bool, Fault> {
    let filter = Filter::names("member", who);
    match desk.session.search(at, Depth::Itself, &filter, &["cn"], 1) {
        Ok(found) => Ok(!found.is_empty()),
        Err(fault) if fault.is(fault::ABSENT) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The user of the request, or a user or group of the customer's part. Whoever is to go out of a
/// group may lie anywhere: only the group is written.
fn whom(desk: &mut Desk<'_>, add: bool) -> Result<Option<Entry>, Fault> {
    let entry = match desk.text("member") {
        None | Some("self") => {
            let person = desk.person()?;
            let subject = format!("user {}", person.id);
            let Some(bound) = desk.bound(Class::User, desk.order.customer, &subject)? else {
                return Ok(None);
            };
            desk.by_id(&bound.object, &[])?
        }
        Some(text) if text.contains('=') => {
            let name = parse(text)?;
            desk.by_name(&name, &[])?
        }
        Some(text) => find(desk, text)?,
    };
    if let Some(entry) = &entry
        && add
    {
        let name = entry.dn()?;
        desk.guard(&name)?;
    }
    Ok(entry)
}
