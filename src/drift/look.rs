//! Looking through a directory: what has changed there since the last time, or all of it where it was
//! not looked at before. It reads there and keeps what it found here; see [`super::keep`].

use super::compare::{self, Fresh, Wanted};
use super::keep::{self, Found};
use super::store::{self, Bound, Kept};
use super::{Ground, Kind};
use crate::connectors::call;
use crate::db::Db;
use crate::directory::work::told::{self, Difference};
use crate::directory::{Class, Flavour, LocationKind};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::drivers::ldap::session::{At, Depth, Entry, Session};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, EnvironmentId};
use crate::matching::Areas;
use crate::matching::evidence::Nature;
use crate::matching::seen;
use crate::places::State;
use crate::time::Zone;
use crate::web::App;
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

/// What came of one look.
pub struct Told {
    pub whole: bool,
    pub counts: keep::Counts,
}

/// Which machine answers, and how far it has counted.
struct Tip {
    machine: String,
    mark: String,
    /// All of the directory, not only the part that is ours.
    domain: Dn,
}

/// What has changed, and the ids of what was deleted.
struct Delta {
    entries: Vec<Entry>,
    gone: BTreeSet<String>,
}

/// Everything that is gathered, apart from the conversation.
struct Eyes<'a> {
    db: &'a Db,
    ground: &'a Ground,
    zone: Zone,
    areas: Areas,
    installation: String,
    kept: BTreeMap<String, Vec<Kept>>,
    /// OUs of ours that are called otherwise or lie elsewhere: before and now.
    moves: Vec<(Dn, Dn)>,
    seen: BTreeSet<String>,
    found: Vec<Found>,
    groups: Vec<Group>,
    managers: Vec<Manager>,
    homes: BTreeMap<CustomerId, Option<(LocationKind, bool)>>,
    /// When the newest change that was seen was made.
    newest: String,
}

/// A group whose members are to be compared.
struct Group {
    found: usize,
    binding: i64,
    name: Dn,
    listed: Vec<String>,
}

/// A manager who may only be called otherwise.
struct Manager {
    found: usize,
    object: String,
    theirs: String,
}

/// Looks through it and keeps what was found. `whole`: all of it.
pub fn look(app: &App, id: EnvironmentId, whole: bool) -> Result<Told> {
    let ground = app.db.read(|db| store::ground(db, id))?;
    let line = app.db.read(|db| call::line(db, ground.connector))?;
    let mut session = line.sign_in(&app.config)?.map_err(refused)?;
    let tip = tip(&mut session, &ground).map_err(refused)?;
    let mark = app.db.read(|db| store::mark(db, id, &tip.machine))?;
    let mut eyes = Eyes::new(&app.db, &ground)?;
    let delta = match (whole, &mark) {
        (false, Some(mark)) => changed(&mut session, &ground, &tip, mark).map_err(refused)?,
        _ => None,
    };
    let whole = delta.is_none();
    let gone = match delta {
        Some(delta) => eyes.delta(&mut session, &tip, delta),
        None => eyes.whole(&mut session, &tip),
    };
    let gone = gone.map_err(refused)?;
    eyes.members(&mut session, &tip).map_err(refused)?;
    eyes.managers(&mut session).map_err(refused)?;
    eyes.gone(&gone)?;
    let mut counts = keep::Counts::default();
    keep::all(&app.db, &ground, &eyes.zone, (&eyes.found, &eyes.kept), &mut counts)?;
    let now = match ground.flavour {
        Flavour::Ad => tip.mark,
        Flavour::OpenLdap => eyes.newest.max(mark.clone().unwrap_or_default()),
    };
    keep::end(&app.db, &ground, (&tip.machine, &now, mark.as_deref()), &counts)?;
    Ok(Told { whole, counts })
}

fn refused(fault: Fault) -> Error {
    Error::refused(fault.text)
}

fn tip(session: &mut Session, ground: &Ground) -> Result<Tip, Fault> {
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

fn dn(text: &str) -> Result<Dn, Fault> {
    Dn::parse(text).map_err(|why| Fault::refused(format!("“{text}” {why}.")))
}

fn kinds() -> Filter {
    let is = |class: &str| Filter::is("objectClass", class);
    let all = ["person", "account", "group", "groupOfNames", "organizationalUnit"];
    Filter::Any(all.into_iter().map(is).collect())
}

fn attributes(flavour: Flavour) -> Vec<&'static str> {
    let own = seen::attributes(flavour).into_iter();
    let all: BTreeSet<&str> =
        own.chain(told::ALSO.iter().copied()).chain(ALSO.iter().copied()).collect();
    all.into_iter().collect()
}

/// What has changed since `mark`; none where that is too much.
fn changed(
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
    session.pages(
        (&at, Depth::Everything, &filter),
        &attributes(ground.flavour),
        is_ad,
        |page| {
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
        },
    )?;
    Ok((entries.len() <= MOST).then_some(Delta { entries, gone }))
}

fn is_unit(entry: &Entry) -> bool {
    entry.texts("objectClass").iter().any(|class| class.eq_ignore_ascii_case("organizationalUnit"))
}

fn is_group(entry: &Entry) -> bool {
    let is = |class: &String| {
        class.eq_ignore_ascii_case("group") || class.eq_ignore_ascii_case("groupOfNames")
    };
    entry.texts("objectClass").iter().any(is)
}

/// What of an account has to be so; none where either is right.
fn is_wanted_enabled(bound: &Bound) -> Option<bool> {
    let is = |word: &str| bound.lives.contains(word);
    match bound.state? {
        State::Disabled => Some(false),
        State::Active if is("suspended") => Some(false),
        State::Active if is("on") || bound.lives.is_empty() => Some(true),
        _ => None,
    }
}

impl<'a> Eyes<'a> {
    fn new(db: &'a Db, ground: &'a Ground) -> Result<Eyes<'a>> {
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
    fn delta(
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
    fn whole(&mut self, session: &mut Session, tip: &Tip) -> Result<BTreeSet<String>, Fault> {
        let wanted = attributes(self.ground.flavour);
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
        let wanted = attributes(self.ground.flavour);
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

    fn examine(&mut self, page: &[Entry]) -> Result<()> {
        let flavour = self.ground.flavour;
        let with: Vec<(&Entry, String)> = page
            .iter()
            .filter_map(|entry| Some((entry, seen::id_of(entry, flavour)?)))
            .filter(|(_, object)| !self.seen.contains(object))
            .collect();
        let objects: Vec<&str> = with.iter().map(|(_, object)| object.as_str()).collect();
        let bound = self.db.read(|db| store::bound(db, self.ground, &objects))?;
        let mut bound: BTreeMap<String, Bound> =
            bound.into_iter().map(|each| (each.object.clone(), each)).collect();
        for (entry, object) in with {
            self.newest = std::mem::take(&mut self.newest).max(entry.text("modifyTimestamp"));
            self.seen.insert(object.clone());
            match bound.remove(&object) {
                Some(bound) => self.ours(entry, &bound)?,
                None => self.strange(entry, &object)?,
            }
        }
        Ok(())
    }

    fn ours(&mut self, entry: &Entry, bound: &Bound) -> Result<()> {
        let (Ok(now), Ok(before)) = (Dn::parse(&entry.name), Dn::parse(&bound.dn)) else {
            return Ok(());
        };
        let mut found = Found {
            object: bound.object.clone(),
            class: bound.class,
            customer: bound.customer,
            user: bound.user,
            name: match bound.name.is_empty() {
                true => now.first().map_or("", Rdn::value).to_owned(),
                false => bound.name.clone(),
            },
            place: entry.name.clone(),
            fresh: Vec::new(),
            binding: Some(bound.id),
            put_off: bound.busy,
        };
        if bound.class == Class::Ou && before != now {
            self.moves.push((before.clone(), now.clone()));
        }
        // What was adopted becomes ours with its next work.
        if bound.busy || bound.adopted {
            found.put_off = true;
            self.found.push(found);
            return Ok(());
        }
        let living = matches!(bound.state, Some(State::Active | State::Disabled));
        let differences: Vec<Difference> = match bound.user.filter(|_| living) {
            Some(user) => {
                let at = (self.ground.flavour, self.ground.connector, &self.zone);
                self.db.read(|db| told::differences(db, at, (bound.customer, user), entry))?
            }
            None => Vec::new(),
        };
        let place = compare::rebased(&before, &self.moves);
        let wanted = Wanted {
            class: bound.class,
            place: &place,
            enabled: is_wanted_enabled(bound),
            differences: &differences,
            owned: bound.owned.as_ref(),
        };
        found.fresh = compare::of(&wanted, &now, self.ground.flavour, entry);
        let n = self.found.len();
        let manager = differences.into_iter().find(|each| each.field == "manager");
        if let Some(Difference { object: Some(object), theirs, .. }) = manager
            && !theirs.is_empty()
        {
            self.managers.push(Manager { found: n, object, theirs });
        }
        let is_group = bound.class == Class::Group;
        if is_group {
            let listed = entry.texts("member");
            self.groups.push(Group { found: n, binding: bound.id, name: now, listed });
        }
        if is_group
            || bound.again
            || !found.fresh.is_empty()
            || self.kept.contains_key(&bound.object)
        {
            self.found.push(found);
        }
        Ok(())
    }

    /// Something in a customer's part that is nobody's, or what was that and is gone from there.
    fn strange(&mut self, entry: &Entry, object: &str) -> Result<()> {
        let Ok(name) = Dn::parse(&entry.name) else { return Ok(()) };
        let known = self.kept.contains_key(object);
        let customer = self.areas.holder(&name).filter(|_| self.is_inside(&name));
        let account = seen::account(entry, self.ground.flavour);
        let person = account
            .as_ref()
            .filter(|account| matches!(account.nature, None | Some(Nature::Person)));
        let class = match (is_unit(entry), is_group(entry)) {
            (true, _) => Some(Class::Ou),
            (_, true) => Some(Class::Group),
            _ => person.map(|_| Class::User),
        };
        let (Some(customer), Some(class)) = (customer, class) else {
            if known {
                self.found.push(Found::nothing(object, &entry.name));
            }
            return Ok(());
        };
        let shown = match (class, &account) {
            (Class::User, Some(account)) => account.name().to_owned(),
            _ => name.first().map_or("", Rdn::value).to_owned(),
        };
        let mut found = Found {
            object: object.to_owned(),
            class,
            customer,
            user: None,
            name: shown,
            place: entry.name.clone(),
            fresh: Vec::new(),
            binding: None,
            put_off: false,
        };
        let twice = self.is_double(entry, class, customer)?;
        if let Some((user, ours)) = twice {
            found.user = Some(user);
            found.fresh.push(Fresh {
                kind: Kind::Double,
                what: String::new(),
                ours,
                theirs: entry.name.clone(),
            });
        } else if self.is_to_tell(class, customer, object)? {
            let theirs = account.as_ref().map_or(String::new(), |account| account.upn.clone());
            found.fresh.push(Fresh {
                kind: Kind::Unknown,
                what: String::new(),
                ours: String::new(),
                theirs,
            });
        }
        if !found.fresh.is_empty() || known {
            self.found.push(found);
        }
        Ok(())
    }

    /// Below a part; what a part begins with is not in it.
    fn is_inside(&self, name: &Dn) -> bool {
        self.areas.outermost().iter().any(|part| name.is_below(part))
    }

    /// Whose second account it is, by our mark, and where the first one lies.
    fn is_double(
        &self,
        entry: &Entry,
        class: Class,
        customer: CustomerId,
    ) -> Result<Option<(crate::ids::UserId, String)>> {
        let attribute = match self.ground.flavour {
            Flavour::Ad => "adminDescription",
            Flavour::OpenLdap => "employeeNumber",
        };
        let mark = entry.text(attribute);
        let ours = mark
            .strip_prefix(&format!("portico:{}:user", self.installation))
            .and_then(|id| id.parse().ok())
            .filter(|_| class == Class::User);
        let Some(user) = ours else { return Ok(None) };
        let at = (customer, user);
        let other = self.db.read(|db| store::account_of(db, self.ground.connector, at))?;
        Ok(other.map(|(_, dn)| (user, dn)))
    }

    /// A sync proposes the accounts of those who follow; in a part that was a customer's before, only
    /// accounts are ours to look after.
    fn is_to_tell(&mut self, class: Class, customer: CustomerId, object: &str) -> Result<bool> {
        let home = match self.homes.get(&customer) {
            Some(home) => *home,
            None => {
                let home = self.db.read(|db| store::lives(db, self.ground, customer))?;
                self.homes.insert(customer, home);
                home
            }
        };
        let Some((kind, follows)) = home else { return Ok(false) };
        if (class == Class::User && follows)
            || (class != Class::User && kind == LocationKind::Private)
        {
            return Ok(false);
        }
        let proposed =
            self.db.read(|db| store::is_proposed(db, self.ground.id, customer, object))?;
        Ok(!proposed)
    }

    /// Who is in our groups, against who we know there.
    fn members(&mut self, session: &mut Session, tip: &Tip) -> Result<(), Fault> {
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
    fn managers(&mut self, session: &mut Session) -> Result<(), Fault> {
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
    fn gone(&mut self, gone: &BTreeSet<String>) -> Result<()> {
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

/// A part that is not there is told of by the OU that is bound.
fn absent_is_fine(done: Result<(), Fault>) -> Result<(), Fault> {
    match done {
        Err(fault) if fault.is(crate::drivers::ldap::fault::ABSENT) => Ok(()),
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
