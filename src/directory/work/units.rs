//! Organisational units: of customers, and within those.

use super::desk::{Desk, parse};
use super::plan;
use super::store;
use crate::directory::{Class, LocationKind};
use crate::drivers::ldap::fault::{self, Fault, Stage};
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, Rdn, fold};
use crate::drivers::ldap::session::{At, Depth, Entry};
use crate::ids::CustomerId;

/// The customer's own OU where no name is given, else one below it.
pub fn ensure(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let customer = desk.order.customer;
    let entry = match desk.text("name") {
        None => customer_ou(desk, customer)?,
        Some(name) => {
            let parent = match desk.text("parent") {
                Some(parent) => {
                    let parent = parse(parent)?;
                    if parent != desk.area()? {
                        desk.guard(&parent)?;
                    }
                    parent
                }
                None => own_area(desk)?,
            };
            let subject = format!("ou {}", fold(name));
            unit(desk, customer, &subject, &parent, name)?
        }
    };
    match entry {
        Some(entry) => desk.give(&entry),
        None => Ok(()),
    }
}

/// The OU that the customer's objects lie in; made where it is not there yet.
pub fn own_area(desk: &mut Desk<'_>) -> Result<Dn, Fault> {
    let customer = desk.order.customer;
    match customer_ou(desk, customer)? {
        Some(entry) => entry.dn(),
        None => planned_ou(desk, customer).map(|(parent, step)| parent.child(step)),
    }
}

/// None in a dry run that would make it.
fn customer_ou(desk: &mut Desk<'_>, customer: CustomerId) -> Result<Option<Entry>, Fault> {
    if desk.home.kind == LocationKind::Private {
        let root = parse(&desk.home.root)?;
        let found = desk.by_name(&root, &[])?;
        return found.map(Some).ok_or_else(|| Fault::refused(format!("{root} is not there.")));
    }
    let bound = desk.bound(Class::Ou, customer, "customer")?;
    if let Some(bound) = bound {
        if let Some(entry) = desk.by_id(&bound.object, &[])? {
            desk.bind(Class::Ou, (customer, None), "customer", &entry)?;
            return Ok(Some(entry));
        }
        desk.warnings.push(format!("{} was deleted in the directory and is made anew.", bound.dn));
        desk.unbind(&bound.object)?;
    }
    if let Some(entry) = desk.by_mark(Class::Ou, &format!("customer{customer}"))? {
        desk.bind(Class::Ou, (customer, None), "customer", &entry)?;
        return Ok(Some(entry));
    }
    let (parent, step) = planned_ou(desk, customer)?;
    make_way(desk, &parent)?;
    unit(desk, customer, "customer", &parent, step.value())
}

/// Where a customer's OU belongs and what it is called.
fn planned_ou(desk: &mut Desk<'_>, customer: CustomerId) -> Result<(Dn, Rdn), Fault> {
    let about = desk.app.db.read(|db| store::customer(db, desk.line.id, customer))?;
    let step = step("OU", &plan::ou_name(&about.name, &about.code))?;
    let nest = desk.flag("nest").unwrap_or(true);
    let beside = desk.flag("exclude_top_reseller").unwrap_or(false) && about.parent_is_top;
    let parent = match about.parent_in_it {
        Some(parent) if nest && !beside => match customer_ou(desk, parent)? {
            Some(entry) => entry.dn()?,
            None => {
                let (above, step) = planned_ou(desk, parent)?;
                above.child(step)
            }
        },
        _ => root(desk)?,
    };
    let parent = match desk.setting("ou_offset") {
        Some(offset) => below(&parent, offset)?,
        None => parent,
    };
    Ok((parent, step))
}

/// Where the OUs of customers are.
fn root(desk: &Desk<'_>) -> Result<Dn, Fault> {
    match desk.setting("ou_root").unwrap_or(&desk.home.root) {
        "" => Ok(desk.base.child(step("OU", "Customers")?)),
        root => {
            let root = parse(root)?;
            match root == desk.base || root.is_below(&desk.base) {
                true => Ok(root),
                false => Err(Fault::refused(format!("{root} is outside {}.", desk.base))),
            }
        }
    }
}

/// `OU=Staff,OU=Office`, or just names with slashes between them, the outer one first.
fn below(place: &Dn, offset: &str) -> Result<Dn, Fault> {
    let mut name = place.clone();
    for part in offset.split('/').filter(|part| !part.trim().is_empty()) {
        name = name.child(step("OU", part.trim())?);
    }
    Ok(name)
}

pub fn step(kind: &str, value: &str) -> Result<Rdn, Fault> {
    Rdn::new(kind, value).map_err(|why| Fault::refused(format!("The name “{value}” {why}.")))
}

/// Makes the OUs above a customer's that are not there: they are everybody's and carry no mark.
fn make_way(desk: &mut Desk<'_>, name: &Dn) -> Result<(), Fault> {
    if *name == desk.base || desk.by_name(name, &[])?.is_some() {
        return Ok(());
    }
    let parent = name.parent().filter(|parent| *parent == desk.base || parent.is_below(&desk.base));
    let Some(parent) = parent else {
        return Err(Fault::refused(format!("{name} is not there.")));
    };
    make_way(desk, &parent)?;
    if !desk.go(format!("make the OU {name}")) {
        return Ok(());
    }
    match desk.session.add(name, &of_unit(name, None)) {
        Err(fault) if fault.is(fault::EXISTS) => Ok(()),
        ended => ended,
    }
}

fn of_unit(name: &Dn, mark: Option<(&str, String)>) -> Vec<(String, Vec<Vec<u8>>)> {
    let value = name.first().map(Rdn::value).unwrap_or_default();
    let mut all = vec![
        ("objectClass".to_owned(), vec![b"top".to_vec(), b"organizationalUnit".to_vec()]),
        ("ou".to_owned(), vec![value.as_bytes().to_vec()]),
    ];
    all.extend(mark.map(|(attribute, mark)| (attribute.to_owned(), vec![mark.into_bytes()])));
    all
}

/// One OU, found again by its id, then by its mark, then made. None in a dry run that would make it.
fn unit(
    desk: &mut Desk<'_>,
    customer: CustomerId,
    subject: &str,
    parent: &Dn,
    name: &str,
) -> Result<Option<Entry>, Fault> {
    let what = match subject {
        "customer" => format!("customer{customer}"),
        other => format!("ou{customer}-{other}"),
    };
    if let Some(bound) = desk.bound(Class::Ou, customer, subject)?
        && let Some(entry) = desk.by_id(&bound.object, &[])?
    {
        return Ok(Some(entry));
    }
    if let Some(entry) = desk.by_mark(Class::Ou, &what)? {
        desk.bind(Class::Ou, (customer, None), subject, &entry)?;
        return Ok(Some(entry));
    }
    let place = parent.child(step("OU", name)?);
    if let Some(entry) = desk.by_name(&place, &[])? {
        return met(desk, customer, subject, entry).map(Some);
    }
    if !desk.go(format!("make the OU {place}")) {
        return Ok(None);
    }
    let mark = desk.mark(&what).map(|mark| (desk.mark_attribute(Class::Ou), mark));
    let made = match desk.session.add(&place, &of_unit(&place, mark)) {
        Err(fault) if fault.is(fault::EXISTS) => false,
        ended => {
            ended?;
            true
        }
    };
    let entry = desk.by_name(&place, &[])?.ok_or_else(|| not_seen(&place))?;
    if !made {
        return met(desk, customer, subject, entry).map(Some);
    }
    desk.bind(Class::Ou, (customer, None), subject, &entry)?;
    Ok(Some(entry))
}

/// Another machine of the directory has it, and this one will.
pub fn not_seen(name: &Dn) -> Fault {
    Fault::network(Stage::Call, format!("{name} was made and is not seen yet."))
}

/// An OU that stands where ours shall be: ours by its mark, or within the customer's own part.
fn met(
    desk: &mut Desk<'_>,
    customer: CustomerId,
    subject: &str,
    entry: Entry,
) -> Result<Entry, Fault> {
    let mark = desk.mark(&format!("customer{customer}"));
    let marked = entry.text(desk.mark_attribute(Class::Ou));
    if subject == "customer" && mark.is_none_or(|mark| mark != marked) {
        return Err(Fault::refused(format!(
            "An OU {} is there already, and it is not ours. Rename it, or the customer.",
            entry.name
        )));
    }
    desk.bind(Class::Ou, (customer, None), subject, &entry)?;
    Ok(entry)
}

/// The OU for one user, by the structure that the customer chose.
pub fn of_user(desk: &mut Desk<'_>, department: &str, office: &str) -> Result<Dn, Fault> {
    let mut place = own_area(desk)?;
    let kind = desk.setting("structure").unwrap_or("ungrouped").to_owned();
    let mut path = String::new();
    for name in plan::structure(&kind, department, office) {
        path = format!("{path}/{}", fold(&name));
        let found = unit(desk, desk.order.customer, &format!("ou {path}"), &place, &name)?;
        place = match found {
            Some(entry) => entry.dn()?,
            None => place.child(step("OU", &name)?),
        };
    }
    Ok(place)
}

/// The OU that a step names: the customer's own, or one below it.
fn target(desk: &mut Desk<'_>) -> Result<Option<(Entry, String)>, Fault> {
    let customer = desk.order.customer;
    let entry = match desk.text("ou") {
        None | Some("self") => {
            if desk.home.kind == LocationKind::Private {
                let text =
                    "The OU of a customer who is alone in a directory is not ours to change.";
                return Err(Fault::refused(text));
            }
            let Some(bound) = desk.bound(Class::Ou, customer, "customer")? else { return Ok(None) };
            match desk.by_id(&bound.object, &[])? {
                Some(entry) => entry,
                None => {
                    if !desk.order.dry_run {
                        desk.unbind(&bound.object)?;
                    }
                    return Ok(None);
                }
            }
        }
        Some(text) => {
            let name = match text.contains('=') {
                true => parse(text)?,
                false => {
                    let area = desk.area()?;
                    // The id is the link: an earlier attempt may have given it another name.
                    let known = desk.bound(Class::Ou, customer, &format!("ou {}", fold(text)))?;
                    let there = match known {
                        Some(known) => desk.by_id(&known.object, &[])?,
                        None => None,
                    };
                    match there {
                        Some(entry) => entry.dn()?,
                        None => area.child(step("OU", text)?),
                    }
                }
            };
            desk.guard(&name)?;
            let Some(entry) = desk.by_name(&name, &[])? else { return Ok(None) };
            entry
        }
    };
    let id = desk.id_of(&entry)?;
    Ok(Some((entry, id)))
}

pub fn rename(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let Some((entry, id)) = target(desk)? else {
        return Err(Fault::refused("There is no such OU."));
    };
    let name = match desk.text("name") {
        Some(name) => name.to_owned(),
        None => {
            let about =
                desk.app.db.read(|db| store::customer(db, desk.line.id, desk.order.customer))?;
            plan::ou_name(&about.name, &about.code)
        }
    };
    let now = entry.dn()?;
    let to = step("OU", &name)?;
    let same = now.first().is_some_and(|first| first.value() == name);
    if !same && desk.go(format!("rename the OU {now} to {name}")) {
        desk.session.rename(&now, &to, None)?;
    }
    match desk.by_id(&id, &[])? {
        Some(entry) => {
            if let Some(known) = desk.app.db.read(|db| store::of_object(db, desk.line.id, &id))? {
                desk.bind(Class::Ou, (known.customer, None), &known.subject, &entry)?;
            }
            desk.give(&entry)
        }
        None => Ok(()),
    }
}

/// Forgets the OUs of the customer that are no more, as an attempt leaves them that was cut short.
fn forget_gone(desk: &mut Desk<'_>) -> Result<(), Fault> {
    if desk.order.dry_run {
        return Ok(());
    }
    let customer = desk.order.customer;
    let known = desk.app.db.read(|db| store::units_of(db, desk.line.id, customer))?;
    for object in known {
        if desk.by_id(&object, &[])?.is_none() {
            desk.unbind(&object)?;
        }
    }
    Ok(())
}

/// It goes only when nothing is left in it but OUs of ours, which are empty themselves.
pub fn remove(desk: &mut Desk<'_>) -> Result<(), Fault> {
    forget_gone(desk)?;
    let Some((entry, id)) = target(desk)? else { return Ok(()) };
    let name = entry.dn()?;
    let mut inside = desk.below(&name, &Filter::anything(), 200)?;
    inside.retain(|each| each.name != entry.name);
    let mut units = Vec::new();
    let mut strange = Vec::new();
    for each in inside {
        let object = desk.id_of(&each)?;
        let known = desk.app.db.read(|db| store::of_object(db, desk.line.id, &object))?;
        match known {
            Some(known) if known.class == Class::Ou && known.customer == desk.order.customer => {
                units.push((each.dn()?, object));
            }
            _ => strange.push(each.name),
        }
    }
    if !strange.is_empty() {
        let count = strange.len();
        strange.truncate(20);
        let noun = if count == 1 { "object" } else { "objects" };
        return Err(Fault::refused(format!(
            "{name} is not empty and stays. {count} {noun} we do not know: {}.",
            strange.join("; ")
        )));
    }
    // The innermost first.
    units.sort_by_key(|(name, _)| std::cmp::Reverse(name.to_string().len()));
    units.push((name, id));
    for (name, object) in units {
        if !desk.go(format!("delete the OU {name}")) {
            continue;
        }
        let at = if desk.is_ad() { At::Guid(object.clone()) } else { At::Named(name.clone()) };
        match desk.session.delete(&at) {
            Err(fault) if fault.is(fault::NOT_A_LEAF) => {
                return Err(not_empty(desk, &name, &fault));
            }
            Err(fault) if fault.is(fault::ABSENT) => {}
            ended => ended?,
        }
        desk.unbind(&object)?;
    }
    Ok(())
}

/// What lies below an object that the directory does not delete because of it.
pub fn not_empty(desk: &mut Desk<'_>, name: &Dn, fault: &Fault) -> Fault {
    let at = At::Named(name.clone());
    let found = desk.session.search(&at, Depth::Children, &Filter::anything(), &["cn"], 20);
    let names: Vec<String> = found.unwrap_or_default().into_iter().map(|each| each.name).collect();
    match names.is_empty() {
        true => fault.clone(),
        false => Fault::refused(format!("{name} stays: below it there is {}.", names.join("; "))),
    }
}
