//! What is asked of a directory when it is looked through, and how it answers.

use super::Ground;
use crate::directory::Flavour;
use crate::directory::work::told;
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::{self, Fault};
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::{At, Depth, Entry, Session};
use crate::matching::seen;
use std::collections::{BTreeMap, BTreeSet};

/// Where there are more changes than these, all of it is looked through.
const MOST: usize = 50_000;

/// Before anything was seen.
const LONG_AGO: &str = "19700101000000Z";

/// What is read besides the fields of an account.
const ALSO: &[&str] = &[
    "adminDescription",
    "employeeNumber",
    "businessCategory",
    "ou",
    "member",
    "isDeleted",
    "modifyTimestamp",
    "pwdAccountLockedTime",
];

/// Which machine answers, and how far it has counted.
pub struct Tip {
    pub machine: String,
    pub mark: String,
    /// All of the directory, not only the part that is ours.
    pub domain: Dn,
}

/// What has changed, and the ids of what was deleted.
pub struct Delta {
    pub entries: Vec<Entry>,
    pub gone: BTreeSet<String>,
}

pub fn tip(session: &mut Session, ground: &Ground) -> Result<Tip, Fault> {
    let wanted = ["dsServiceName", "highestCommittedUSN", "defaultNamingContext", "namingContexts"];
    let root = session.read(&At::Root, &wanted)?.unwrap_or_default();
    let base = dn(&ground.base)?;
    if ground.flavour == Flavour::OpenLdap {
        let around = |text: &String| {
            let all = Dn::parse(text).ok()?;
            (all == base || base.is_below(&all)).then_some(all)
        };
        let domain = root.texts("namingContexts").iter().find_map(around).unwrap_or(base);
        return Ok(Tip { machine: String::new(), mark: String::new(), domain });
    }
    let service = At::Named(dn(&root.text("dsServiceName"))?);
    let machine = session.read(&service, &["invocationId"])?.unwrap_or_default();
    let machine = machine.bytes("invocationId").first().and_then(|bytes| ad::guid(bytes));
    let domain = dn(&root.text("defaultNamingContext"))?;
    Ok(Tip { machine: machine.unwrap_or_default(), mark: root.text("highestCommittedUSN"), domain })
}

pub fn dn(text: &str) -> Result<Dn, Fault> {
    Dn::parse(text).map_err(|why| Fault::refused(format!("“{text}” {why}.")))
}

pub fn kinds() -> Filter {
    let is = |class: &str| Filter::is("objectClass", class);
    let all = ["person", "account", "group", "groupOfNames", "organizationalUnit"];
    Filter::Any(all.into_iter().map(is).collect())
}

pub fn attributes(ground: &Ground) -> Vec<&str> {
    let own = seen::attributes(ground.flavour).into_iter();
    let off = ground.off().map(|(attribute, _)| attribute);
    let also = told::ALSO.iter().chain(ALSO).copied();
    let all: BTreeSet<&str> = own.chain(also).chain(off).collect();
    all.into_iter().collect()
}

/// What has changed since `mark`; none where that is too much.
pub fn changed(
    session: &mut Session,
    ground: &Ground,
    tip: &Tip,
    mark: &str,
) -> Result<Option<Delta>, Fault> {
    let since = match ground.flavour {
        Flavour::Ad => {
            let Ok(mark) = mark.parse::<i64>() else { return Ok(None) };
            Filter::AtLeast("uSNChanged", mark.saturating_add(1))
        }
        Flavour::OpenLdap => {
            let mark = if mark.is_empty() { LONG_AGO } else { mark };
            Filter::From("modifyTimestamp", mark.to_owned())
        }
    };
    let filter = Filter::All(vec![since, kinds()]);
    let (mut entries, mut gone) = (Vec::new(), BTreeSet::new());
    let (at, is_ad) = (At::Named(tip.domain.clone()), ground.flavour == Flavour::Ad);
    session.pages((&at, Depth::Everything, &filter), &attributes(ground), is_ad, |page| {
        for entry in page {
            let deleted = entry.text("isDeleted").eq_ignore_ascii_case("true");
            match (deleted, seen::id_of(&entry, ground.flavour)) {
                (true, Some(object)) => {
                    gone.insert(object);
                }
                (true, None) => {}
                (false, _) => entries.push(entry),
            }
        }
        Ok(entries.len() <= MOST)
    })?;
    Ok((entries.len() <= MOST).then_some(Delta { entries, gone }))
}

pub fn is_unit(entry: &Entry) -> bool {
    entry.texts("objectClass").iter().any(|class| class.eq_ignore_ascii_case("organizationalUnit"))
}

pub fn is_group(entry: &Entry) -> bool {
    let is = |class: &String| {
        class.eq_ignore_ascii_case("group") || class.eq_ignore_ascii_case("groupOfNames")
    };
    entry.texts("objectClass").iter().any(is)
}

/// A part that is not there is told of by the OU that is bound.
pub fn absent_is_fine(done: Result<(), Fault>) -> Result<(), Fault> {
    match done {
        Err(fault) if fault.is(fault::ABSENT) => Ok(()),
        done => done,
    }
}

/// Of Active Directory: all whose group it is, however many.
pub fn in_group(
    session: &mut Session,
    domain: &Dn,
    group: &Dn,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut all = BTreeMap::new();
    let at = At::Named(domain.clone());
    let filter = Filter::names("memberOf", group);
    session.pages((&at, Depth::Everything, &filter), &["objectGUID"], false, |page| {
        for entry in page {
            all.extend(seen::id_of(&entry, Flavour::Ad).map(|object| (object, entry.name)));
        }
        Ok(true)
    })?;
    Ok(all)
}

/// Of OpenLDAP: those that the group names; nobody is the empty name.
pub fn listed(
    session: &mut Session,
    names: &[String],
    known: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut all = BTreeMap::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        let wanted = dn(name)?;
        let member = known.iter().find(|(_, dn)| Dn::parse(dn).ok().as_ref() == Some(&wanted));
        let object = match member {
            Some((object, _)) => Some(object.clone()),
            None => {
                let entry = session.read(&At::Named(wanted), &["entryUUID"])?;
                entry.and_then(|entry| seen::id_of(&entry, Flavour::OpenLdap))
            }
        };
        all.extend(object.map(|object| (object, name.clone())));
    }
    Ok(all)
}
