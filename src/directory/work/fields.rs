//! What an account says of its person: names, telephones, addresses, the manager.

use super::desk::Desk;
use super::plan::{self, Wanted};
use super::store::{self, Person};
use super::users::{needed, target};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::session::{At, Change, Depth, Entry};
use serde_json::Value;

/// Of an account everything that is compared.
pub const SEEN: &[&str] = &[
    "givenName",
    "sn",
    "displayName",
    "description",
    "title",
    "department",
    "company",
    "physicalDeliveryOfficeName",
    "telephoneNumber",
    "mobile",
    "homePhone",
    "facsimileTelephoneNumber",
    "pager",
    "ipPhone",
    "streetAddress",
    "street",
    "postOfficeBox",
    "l",
    "st",
    "postalCode",
    "c",
    "wWWHomePage",
    "employeeID",
    "employeeType",
    "mail",
    "proxyAddresses",
    "manager",
    "accountExpires",
    "userAccountControl",
    "o",
    "departmentNumber",
    "lockoutTime",
    "pwdLastSet",
    "pwdAccountLockedTime",
];

pub fn attributes(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let person = desk.person()?;
    let entry = needed(target(desk, &[])?)?;
    desk.give(&entry)?;
    update(desk, &person, &entry)
}

/// Writes the differences alone.
pub fn update(desk: &mut Desk<'_>, person: &Person, entry: &Entry) -> Result<(), Fault> {
    let mut wanted = wanted(desk, person, entry)?;
    // What was ordered alone is written alone.
    if let Some(Value::Array(only)) = desk.order.params.get("only") {
        let only: Vec<&str> = only.iter().filter_map(Value::as_str).collect();
        wanted.retain(|name, _| only.contains(&name.as_str()));
    }
    let changes = plan::differences(&wanted, entry);
    if changes.is_empty() {
        return Ok(());
    }
    let touches_mail =
        changes.iter().any(|change| ["mail", "proxyAddresses"].contains(&change.attribute()));
    if touches_mail {
        addresses_free(desk, person, Some(entry))?;
    }
    let names: Vec<&str> = changes.iter().map(Change::attribute).collect();
    if desk.go(format!("write {} of {}", names.join(", "), entry.name)) {
        let at = desk.at(entry)?;
        desk.modify_softly(&at, &changes)?;
    }
    Ok(())
}

/// All that the account shall say, with what is to be empty.
pub fn wanted(desk: &mut Desk<'_>, person: &Person, seen: &Entry) -> Result<Wanted, Fault> {
    let mut all = Wanted::new();
    let mut put = |attribute: &str, value: &str| {
        let values = if value.is_empty() { Vec::new() } else { vec![value.as_bytes().to_vec()] };
        all.insert(attribute.to_owned(), values);
    };
    let mut long = Vec::new();
    if desk.is_ad() {
        for (field, attribute, most) in ad::ATTRIBUTES {
            let value = person.field(field);
            match value.chars().count() > *most {
                true => long.push((attribute, *most)),
                false => put(attribute, value),
            }
        }
        let end = plan::expires(person.ends_at);
        let never = ["", "0", "9223372036854775807"];
        if !(end == "0" && never.contains(&seen.text("accountExpires").as_str())) {
            put("accountExpires", &end);
        }
    } else {
        for (field, attribute) in OPEN {
            put(attribute, person.field(field));
        }
        if person.last_name.is_empty() {
            put("sn", &person.display_name);
        }
        put("cn", &person.display_name);
    }
    for (attribute, most) in long {
        desk.left_out(attribute, &format!("it holds {most} characters"));
    }
    if let Some(manager) = person.manager {
        let name = desk.app.db.read(|db| store::bound_user(db, desk.line.id, manager))?;
        let there = match name {
            Some(object) => desk.by_id(&object, &[])?,
            None => None,
        };
        match there {
            Some(entry) => {
                all.insert("manager".into(), vec![entry.name.into_bytes()]);
            }
            None => desk.left_out("manager", "the manager has no account in the directory"),
        }
    } else {
        all.insert("manager".into(), Vec::new());
    }
    if desk.is_ad() && desk.flag("write_proxy_addresses").unwrap_or(false) {
        let list = plan::addresses(&person.mail, &person.addresses, &seen.texts("proxyAddresses"));
        all.insert("proxyAddresses".into(), list.into_iter().map(String::into_bytes).collect());
    }
    if let Some(Value::Object(own)) = desk.order.params.get("attributes") {
        for (attribute, value) in own {
            if FORBIDDEN.iter().any(|name| name.eq_ignore_ascii_case(attribute)) {
                desk.left_out(attribute, "it is written by actions of its own");
                continue;
            }
            let values: Vec<String> = match value {
                Value::Array(list) => {
                    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                Value::String(text) => vec![text.clone()],
                Value::Null => Vec::new(),
                other => vec![other.to_string()],
            };
            let values = values.into_iter().filter(|text| !text.is_empty());
            all.retain(|name, _| !name.eq_ignore_ascii_case(attribute));
            all.insert(attribute.clone(), values.map(String::into_bytes).collect());
        }
    }
    Ok(all)
}

/// Who an account is, what it may and what it is called are not attributes like others.
pub const FORBIDDEN: &[&str] = &[
    "unicodePwd",
    "userPassword",
    "userAccountControl",
    "objectClass",
    "objectGUID",
    "objectSid",
    "member",
    "memberOf",
    "sIDHistory",
    "servicePrincipalName",
    "msDS-AllowedToDelegateTo",
    "nTSecurityDescriptor",
    "adminDescription",
    "adminCount",
    "primaryGroupID",
    "dn",
    "cn",
];

/// Our fields and the attributes of inetOrgPerson.
pub const OPEN: &[(&str, &str)] = &[
    ("first_name", "givenName"),
    ("last_name", "sn"),
    ("display_name", "displayName"),
    ("description", "description"),
    ("job_title", "title"),
    ("department", "departmentNumber"),
    ("company", "o"),
    ("office", "physicalDeliveryOfficeName"),
    ("phone", "telephoneNumber"),
    ("mobile", "mobile"),
    ("home_phone", "homePhone"),
    ("fax", "facsimileTelephoneNumber"),
    ("pager", "pager"),
    ("street", "street"),
    ("po_box", "postOfficeBox"),
    ("city", "l"),
    ("region", "st"),
    ("postcode", "postalCode"),
    ("employee_type", "employeeType"),
    ("mail", "mail"),
];

/// No other object has one of the addresses: the directory itself does not look.
pub fn addresses_free(
    desk: &mut Desk<'_>,
    person: &Person,
    own: Option<&Entry>,
) -> Result<(), Fault> {
    let mut all: Vec<&String> = person.addresses.iter().collect();
    if !person.mail.is_empty() {
        all.push(&person.mail);
    }
    let mut any: Vec<Filter> = Vec::new();
    for address in &all {
        any.push(Filter::is("mail", address));
        if desk.is_ad() {
            any.push(Filter::is("proxyAddresses", &format!("smtp:{address}")));
        }
    }
    if any.is_empty() {
        return Ok(());
    }
    let at = At::Named(desk.whole());
    let found = desk.session.search(
        &at,
        Depth::Everything,
        &Filter::Any(any),
        &["mail", "proxyAddresses"],
        10,
    )?;
    let other = found.iter().find(|entry| own.is_none_or(|own| own.name != entry.name));
    match other {
        None => Ok(()),
        Some(entry) => {
            let has = entry.texts("proxyAddresses").into_iter().chain(entry.texts("mail"));
            let has: Vec<String> = has
                .map(|each| each.to_lowercase().trim_start_matches("smtp:").to_owned())
                .collect();
            let which = all.iter().find(|each| has.contains(&each.to_lowercase()));
            let which = which.map_or("An address", |address| address.as_str());
            Err(Fault::refused(format!(
                "{which} belongs to {} in the directory, so nothing was written.",
                entry.name
            )))
        }
    }
}
