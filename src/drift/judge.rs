//! What one object that was read means: ours as it should be or not, or something that is nobody's.

use super::Kind;
use super::compare::{self, Fresh, Wanted};
use super::eyes::{Eyes, Group, Manager};
use super::keep::Found;
use super::reading::{is_group, is_unit};
use super::store::{self, Bound};
use crate::directory::work::told::{self, Difference};
use crate::directory::{Class, Flavour, LocationKind};
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::drivers::ldap::session::Entry;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::matching::evidence::Nature;
use crate::matching::seen;
use crate::places::State;
use std::collections::BTreeMap;

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

impl Eyes<'_> {
    pub fn examine(&mut self, page: &[Entry]) -> Result<()> {
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
        found.fresh = compare::of(&wanted, &now, self.ground, entry);
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
    ) -> Result<Option<(UserId, String)>> {
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
}
