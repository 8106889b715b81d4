//! Accounts as a directory shows them, read over one conversation; and one level of its tree.

use super::evidence::{Account, Nature};
use crate::directory::{Flavour, work};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, fold};
use crate::drivers::ldap::session::{At, Depth, Entry, Session};
use std::collections::{BTreeMap, BTreeSet};

/// More accounts are not read at once.
pub const MOST: usize = 50_000;

/// Rows of a page of the tree.
pub const PAGE: usize = 500;

/// More things in one OU are not listed.
const MOST_IN_ONE: usize = 20_000;

/// What says who an account is, besides the fields of a user.
const ALSO: &[&str] = &[
    "objectGUID",
    "entryUUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "uid",
    "cn",
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "userAccountControl",
    "adminCount",
    "isCriticalSystemObject",
    "msExchRecipientTypeDetails",
    "userType",
];

/// Shared mailboxes, rooms and equipment, as Exchange counts kinds.
const MAILBOXES: [&str; 3] = ["4", "16", "32"];

/// Ids below are of accounts that come with a domain.
const FIRST_OF_OURS: u32 = 1000;

/// One thing in an OU.
pub struct Leaf {
    pub object: String,
    pub place: String,
    pub name: String,
    pub username: String,
    /// An OU or container, which can be opened.
    pub opens: bool,
}

/// A page of one level of the tree.
pub struct Level {
    pub at: Dn,
    pub leaves: Vec<Leaf>,
    /// The name after which the next page begins.
    pub next: Option<String>,
}

/// What is an account: persons, and what a domain lists beside them.
fn accounts() -> Filter {
    let is = |class: &str| Filter::is("objectClass", class);
    Filter::Any(vec![is("person"), is("user"), is("inetOrgPerson"), is("account")])
}

/// All that is read of an account.
pub fn attributes(flavour: Flavour) -> Vec<&'static str> {
    let own = work::attributes(flavour).into_iter().map(|(_, attribute)| attribute);
    let all: BTreeSet<&str> = own.chain(ALSO.iter().copied()).collect();
    all.into_iter().collect()
}

/// The id that an object keeps.
pub fn id_of(entry: &Entry, flavour: Flavour) -> Option<String> {
    match flavour {
        Flavour::Ad => entry.bytes("objectGUID").first().and_then(|bytes| ad::guid(bytes)),
        Flavour::OpenLdap => Some(entry.text("entryUUID")).filter(|id| !id.is_empty()),
    }
}

/// All accounts below the OUs and those named by their id, each once: what was renamed or moved while
/// it was read comes by its id.
pub fn scan(
    session: &mut Session,
    flavour: Flavour,
    base: &Dn,
    (units, objects): (&[Dn], &[String]),
) -> Result<Vec<Account>, Fault> {
    let wanted = attributes(flavour);
    let mut found: BTreeMap<String, Account> = BTreeMap::new();
    let mut keep = |entry: &Entry| {
        if let Some(account) = account(entry, flavour) {
            found.insert(account.object.clone(), account);
        }
    };
    for unit in units {
        let at = At::Named(unit.clone());
        let all = session.search(&at, Depth::Everything, &accounts(), &wanted, MOST + 1)?;
        if all.len() > MOST {
            let text = format!("More than {MOST} accounts lie below {unit}. Choose smaller OUs.");
            return Err(Fault::refused(text));
        }
        all.iter().for_each(&mut keep);
    }
    for object in objects {
        by_id(session, flavour, base, object, &wanted)?.iter().for_each(&mut keep);
    }
    Ok(found.into_values().collect())
}

/// Those of the objects that are not there any more.
pub fn vanished(
    session: &mut Session,
    flavour: Flavour,
    base: &Dn,
    objects: &BTreeSet<String>,
) -> Result<Vec<String>, Fault> {
    let mut gone = Vec::new();
    for object in objects {
        if by_id(session, flavour, base, object, &["objectClass"])?.is_none() {
            gone.push(object.clone());
        }
    }
    Ok(gone)
}

/// One object by its id, wherever it lies; none once it is deleted.
pub fn by_id(
    session: &mut Session,
    flavour: Flavour,
    base: &Dn,
    object: &str,
    wanted: &[&str],
) -> Result<Option<Entry>, Fault> {
    let found = match flavour {
        Flavour::Ad => session.read(&At::Guid(object.to_owned()), wanted)?,
        Flavour::OpenLdap => {
            let filter = Filter::is("entryUUID", object);
            let at = At::Named(base.clone());
            session.search(&at, Depth::Everything, &filter, wanted, 1)?.into_iter().next()
        }
    };
    Ok(found.filter(|entry| !entry.name.contains("\\0ADEL:")))
}

/// An entry as an account; none where it has no id that can be read.
pub fn account(entry: &Entry, flavour: Flavour) -> Option<Account> {
    let object = id_of(entry, flavour)?;
    let lower = |text: String| text.trim().to_lowercase();
    let (username, upn) = match flavour {
        Flavour::Ad => (entry.text("sAMAccountName"), lower(entry.text("userPrincipalName"))),
        Flavour::OpenLdap => (entry.text("uid"), String::new()),
    };
    let mut addresses: BTreeSet<String> = entry.texts("mail").into_iter().map(lower).collect();
    let proxies = entry.texts("proxyAddresses");
    let smtp = proxies.iter().filter_map(|text| {
        let (kind, address) = text.split_once(':')?;
        kind.eq_ignore_ascii_case("smtp").then(|| address.trim().to_lowercase())
    });
    addresses.extend(smtp);
    addresses.retain(|address| !address.is_empty());
    let fields = work::attributes(flavour)
        .into_iter()
        .map(|(field, attribute)| (field.to_owned(), entry.text(attribute).trim().to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let flags = entry.number("userAccountControl").unwrap_or(0);
    Some(Account {
        object,
        place: entry.name.clone(),
        nature: Some(nature(entry, &username, &upn)),
        username,
        upn,
        addresses,
        disabled: flags & ad::DISABLED != 0,
        anchor: None,
        foreign: false,
        fields,
    })
}

fn nature(entry: &Entry, username: &str, upn: &str) -> Nature {
    let classes = entry.texts("objectClass");
    let is = |name: &str| classes.iter().any(|class| class.eq_ignore_ascii_case(name));
    let rid = entry.bytes("objectSid").first().and_then(|bytes| ad::rid(bytes));
    if is("msDS-GroupManagedServiceAccount") || is("msDS-ManagedServiceAccount") {
        Nature::Service
    } else if is("computer") || username.ends_with('$') {
        Nature::Computer
    } else if rid.is_some_and(|rid| rid < FIRST_OF_OURS)
        || entry.text("isCriticalSystemObject").eq_ignore_ascii_case("true")
    {
        Nature::BuiltIn
    } else if entry.text("adminCount") == "1" {
        Nature::Administrator
    } else if MAILBOXES.contains(&entry.text("msExchRecipientTypeDetails").as_str()) {
        Nature::Mailbox
    } else if upn.contains("#ext#") || entry.text("userType").eq_ignore_ascii_case("guest") {
        Nature::Guest
    } else {
        Nature::Person
    }
}

/// What lies directly in `at`, by name, from after `after` on.
pub fn level(session: &mut Session, flavour: Flavour, at: Dn, after: &str) -> Result<Level, Fault> {
    let wanted = [
        "objectGUID",
        "entryUUID",
        "objectClass",
        "cn",
        "ou",
        "uid",
        "displayName",
        "sAMAccountName",
    ];
    let is = |class: &str| Filter::is("objectClass", class);
    let filter = Filter::Any(vec![is("organizationalUnit"), is("container"), accounts()]);
    let here = At::Named(at.clone());
    let all = session.search(&here, Depth::Children, &filter, &wanted, MOST_IN_ONE + 1)?;
    if all.len() > MOST_IN_ONE {
        let text =
            format!("More than {MOST_IN_ONE} things lie in {at}, which is too much to list.");
        return Err(Fault::refused(text));
    }
    let mut leaves: Vec<(String, Leaf)> = all
        .iter()
        .filter_map(|entry| leaf(entry, flavour))
        .map(|leaf| (key(&leaf), leaf))
        .collect();
    leaves.sort_by(|(one, _), (other, _)| one.cmp(other));
    leaves.retain(|(key, _)| key.as_str() > after);
    let more = leaves.len() > PAGE;
    leaves.truncate(PAGE);
    let next = leaves.last().filter(|_| more).map(|(key, _)| key.clone());
    Ok(Level { at, leaves: leaves.into_iter().map(|(_, leaf)| leaf).collect(), next })
}

/// OUs first, then by name; the id parts those of the same name.
fn key(leaf: &Leaf) -> String {
    let rank = if leaf.opens { 0 } else { 1 };
    format!("{rank} {} {}", fold(&leaf.name), leaf.object)
}

fn leaf(entry: &Entry, flavour: Flavour) -> Option<Leaf> {
    let classes = entry.texts("objectClass");
    let is = |name: &str| classes.iter().any(|class| class.eq_ignore_ascii_case(name));
    let first = entry.dn().ok().and_then(|name| name.first().map(|step| step.value().to_owned()));
    let shown = Some(entry.text("displayName")).filter(|text| !text.is_empty());
    let username = match flavour {
        Flavour::Ad => entry.text("sAMAccountName"),
        Flavour::OpenLdap => entry.text("uid"),
    };
    Some(Leaf {
        object: id_of(entry, flavour)?,
        place: entry.name.clone(),
        name: shown.or(first)?,
        username,
        opens: is("organizationalUnit") || is("container"),
    })
}
