//! What is gathered while a directory is looked through: what has changed or everything, OUs first.

use super::compare::{self, Fresh};
use super::keep::Found;
use super::reading::{
    Delta, Tip, absent_is_fine, attributes, dn, in_group, is_unit, kinds, listed,
};
use super::store::{self, Kept};
use super::{Ground, Kind};
use crate::db::Db;
use crate::directory::{Class, Flavour, LocationKind};
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::{At, Depth, Entry, Session};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::matching::{Areas, seen};
use crate::time::Zone;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is gathered, apart from the conversation.
pub struct Eyes<'a> {
    pub db: &'a Db,
    pub ground: &'a Ground,
    pub zone: Zone,
    pub areas: Areas,
    pub installation: String,
    pub kept: BTreeMap<String, Vec<Kept>>,
    /// OUs of ours that are called otherwise or lie elsewhere: before and now.
    pub moves: Vec<(Dn, Dn)>,
    pub seen: BTreeSet<String>,
    pub found: Vec<Found>,
    pub groups: Vec<Group>,
    pub managers: Vec<Manager>,
    pub homes: BTreeMap<CustomerId, Option<(LocationKind, bool)>>,
    /// When the newest change that was seen was made.
    pub newest: String,
}

/// A group whose members are to be compared.
pub struct Group {
    pub found: usize,
    pub binding: i64,
    pub name: Dn,
    pub listed: Vec<String>,
}

/// A manager who may only be called otherwise.
pub struct Manager {
    pub found: usize,
    pub object: String,
    pub theirs: String,
}

impl<'a> Eyes<'a> {
    pub fn new(db: &'a Db, ground: &'a Ground) -> Result<Eyes<'a>> {
        db.read(|read| {
            let mut kept: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
            for each in store::kept(read, ground.id)? {
                kept.entry(each.object.clone()).or_default().push(each);
            }
            Ok(Eyes {
                db,
                ground,
                zone: Zone::named(&ground.zone).unwrap_or_else(Zone::utc),
                areas: Areas::within(read, ground.connector, ground.id)?,
                installation: store::installation(read)?,
                kept,
                moves: Vec::new(),
                seen: BTreeSet::new(),
                found: Vec::new(),
                groups: Vec::new(),
                managers: Vec::new(),
                homes: BTreeMap::new(),
                newest: String::new(),
            })
        })
    }

    /// What has changed, and what was found before or was in work: OUs first, because the places of
    /// all others depend on them. Says what is not there any more.
    pub fn delta(
        &mut self,
        session: &mut Session,
        tip: &Tip,
        delta: Delta,
    ) -> Result<BTreeSet<String>, Fault> {
        let Delta { entries, mut gone } = delta;
        let mut again: BTreeMap<String, Class> =
            self.db.read(|db| store::again(db, self.ground))?.into_iter().collect();
        for (object, kept) in &self.kept {
            again.extend(kept.first().map(|each| (object.clone(), each.class)));
        }
        if self.ground.flavour == Flavour::OpenLdap {
            gone.extend(self.absent(session, tip)?);
        }
        let (mut units, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_unit);
        let first = again.iter().filter(|(_, class)| **class == Class::Ou);
        units.extend(self.one_by_one(session, tip, first.map(|(object, _)| object), &mut gone)?);
        self.units(units)?;
        for page in others.chunks(500) {
            self.examine(page)?;
        }
        let rest = again.iter().filter(|(_, class)| **class != Class::Ou);
        let rest = self.one_by_one(session, tip, rest.map(|(object, _)| object), &mut gone)?;
        self.examine(&rest)?;
        Ok(gone)
    }

    /// Everything in the parts of customers, and what of ours lies elsewhere by now.
    pub fn whole(&mut self, session: &mut Session, tip: &Tip) -> Result<BTreeSet<String>, Fault> {
        let wanted = attributes(self.ground);
        let mut gone = BTreeSet::new();
        let bound = self.db.read(|db| store::all_bound(db, self.ground))?;
        let parts = self.areas.outermost();
        let mut units = Vec::new();
        let only_units = Filter::is("objectClass", "organizationalUnit");
        for part in &parts {
            let at = At::Named(part.clone());
            let done =
                session.pages((&at, Depth::Everything, &only_units), &wanted, false, |page| {
                    units.extend(page);
                    Ok(true)
                });
            absent_is_fine(done)?;
        }
        let listed: BTreeSet<String> =
            units.iter().filter_map(|each| seen::id_of(each, self.ground.flavour)).collect();
        let lost =
            bound.iter().filter(|(object, class)| *class == Class::Ou && !listed.contains(object));
        units.extend(self.one_by_one(session, tip, lost.map(|(object, _)| object), &mut gone)?);
        self.units(units)?;
        let others = Filter::All(vec![kinds(), only_units.negated()]);
        // The names of OUs that moved are those of today.
        let parts: Vec<Dn> = parts.iter().map(|part| self.now(part)).collect();
        for part in &parts {
            let at = At::Named(part.clone());
            let done = session.pages((&at, Depth::Everything, &others), &wanted, false, |page| {
                self.examine(&page)?;
                Ok(true)
            });
            absent_is_fine(done)?;
        }
        let known = self.kept.keys().map(|object| (object.clone(), Class::User));
        let all: BTreeMap<String, Class> = bound.into_iter().chain(known).collect();
        let lost: Vec<&String> = all.keys().filter(|object| !self.seen.contains(*object)).collect();
        let rest = self.one_by_one(session, tip, lost.into_iter(), &mut gone)?;
        self.examine(&rest)?;
        Ok(gone)
    }

    /// What an OU is called now.
    fn now(&self, name: &Dn) -> Dn {
        let known = self.moves.iter().find(|(from, _)| from == name);
        known.map_or_else(|| compare::rebased(name, &self.moves), |(_, to)| to.clone())
    }

    /// Reads single objects that were not read yet; those that are not there go to `gone`.
    fn one_by_one<'o>(
        &self,
        session: &mut Session,
        tip: &Tip,
        objects: impl Iterator<Item = &'o String>,
        gone: &mut BTreeSet<String>,
    ) -> Result<Vec<Entry>, Fault> {
        let wanted = attributes(self.ground);
        let mut all = Vec::new();
        for object in objects {
            if self.seen.contains(object) || gone.contains(object) {
                continue;
            }
            let flavour = self.ground.flavour;
            match seen::by_id(session, flavour, &tip.domain, object, &wanted)? {
                Some(entry) => all.push(entry),
                None => {
                    gone.insert(object.clone());
                }
            }
        }
        Ok(all)
    }

    /// OpenLDAP does not say what was deleted: what of ours is not listed any more.
    fn absent(&self, session: &mut Session, tip: &Tip) -> Result<BTreeSet<String>, Fault> {
        let mut left: BTreeSet<String> = self
            .db
            .read(|db| store::all_bound(db, self.ground))?
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        let at = At::Named(tip.domain.clone());
        session.pages((&at, Depth::Everything, &kinds()), &["entryUUID"], false, |page| {
            for entry in page {
                left.remove(&entry.text("entryUUID"));
            }
            Ok(true)
        })?;
        Ok(left)
    }

    /// The outer ones first.
    fn units(&mut self, mut units: Vec<Entry>) -> Result<()> {
        units.sort_by_key(|entry| entry.name.len());
        for page in units.chunks(500) {
            self.examine(page)?;
        }
        Ok(())
    }

    /// Who is in our groups, against who we know there.
    pub fn members(&mut self, session: &mut Session, tip: &Tip) -> Result<(), Fault> {
        for group in std::mem::take(&mut self.groups) {
            let known: BTreeMap<String, String> =
                self.db.read(|db| store::members(db, group.binding))?.into_iter().collect();
            let now = match self.ground.flavour {
                Flavour::Ad => in_group(session, &tip.domain, &group.name)?,
                Flavour::OpenLdap => listed(session, &group.listed, &known)?,
            };
            let mut fresh = Vec::new();
            for (member, theirs) in now.iter().filter(|(member, _)| !known.contains_key(*member)) {
                let (what, theirs) = (member.clone(), theirs.clone());
                fresh.push(Fresh { kind: Kind::MemberAdded, what, ours: String::new(), theirs });
            }
            for (member, ours) in known.iter().filter(|(member, _)| !now.contains_key(*member)) {
                // Who is deleted is in no group any more, and told of as such.
                let there = seen::by_id(
                    session,
                    self.ground.flavour,
                    &tip.domain,
                    member,
                    &["objectClass"],
                )?;
                if there.is_some() {
                    let (what, ours) = (member.clone(), ours.clone());
                    fresh.push(Fresh {
                        kind: Kind::MemberRemoved,
                        what,
                        ours,
                        theirs: String::new(),
                    });
                }
            }
            if let Some(found) = self.found.get_mut(group.found) {
                found.fresh.extend(fresh);
            }
        }
        Ok(())
    }

    /// A manager whose account is only called otherwise is the same manager.
    pub fn managers(&mut self, session: &mut Session) -> Result<(), Fault> {
        for each in std::mem::take(&mut self.managers) {
            let at = At::Named(dn(&each.theirs)?);
            let entry = session.read(&at, &["objectGUID", "entryUUID"])?;
            let object = entry.and_then(|entry| seen::id_of(&entry, self.ground.flavour));
            if let Some(found) = self.found.get_mut(each.found)
                && object.is_some_and(|object| object == each.object)
            {
                found.fresh.retain(|fresh| fresh.what != "manager");
            }
        }
        Ok(())
    }

    /// What is not there any more: ours was deleted, anything else is nothing to tell.
    pub fn gone(&mut self, gone: &BTreeSet<String>) -> Result<()> {
        let objects: Vec<&str> =
            gone.iter().filter(|object| !self.seen.contains(*object)).map(String::as_str).collect();
        for some in objects.chunks(500) {
            let bound = self.db.read(|db| store::bound(db, self.ground, some))?;
            let ours: BTreeSet<&str> = bound.iter().map(|each| each.object.as_str()).collect();
            let strangers = some.iter().filter(|object| !ours.contains(*object));
            let strangers = strangers.filter(|object| self.kept.contains_key(**object));
            let strangers: Vec<Found> =
                strangers.map(|object| Found::nothing(object, "")).collect();
            self.found.extend(strangers);
            for each in &bound {
                let first = Dn::parse(&each.dn).ok();
                let first = first.and_then(|dn| Some(dn.first()?.value().to_owned()));
                let fresh = Fresh {
                    kind: Kind::Deleted,
                    what: String::new(),
                    ours: each.dn.clone(),
                    theirs: String::new(),
                };
                self.found.push(Found {
                    object: each.object.clone(),
                    class: each.class,
                    customer: each.customer,
                    user: each.user,
                    name: match each.name.is_empty() {
                        true => first.unwrap_or_default(),
                        false => each.name.clone(),
                    },
                    place: each.dn.clone(),
                    fresh: if each.busy { Vec::new() } else { vec![fresh] },
                    binding: Some(each.id),
                    put_off: each.busy,
                });
            }
        }
        Ok(())
    }
}
