//! New sign-in names for many, planned as a whole before anybody's is changed: two who would get the
//! same are told, and those who take each other's names do it in one transaction.

use super::acts::{At, UPN};
use super::store::{self, Person};
use crate::auth::permissions::{UsersRead, UsersRename};
use crate::customers::patterns::Patterns;
use crate::customers::patterns::pattern::{self, Makes, Pattern};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::input::{Fields, Input, is_email};
use crate::users::{self, Changed, Home};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

words! {
    /// What the new names are made from.
    By { Domain = "domain", Pattern = "pattern", Names = "names" }
}

/// How names are changed, as it was said.
pub struct Renaming {
    how: How,
    keep: bool,
    follow: bool,
    tells: bool,
}

enum How {
    /// The same name on another domain, for those of one domain or of any.
    Domain { from: String, to: String },
    /// A pattern, or that of each customer; on a domain, or the one each has.
    Pattern { own: Option<Pattern>, domain: String },
    /// New ones by old ones.
    Names(BTreeMap<String, String>),
}

/// Who gets which name, of a whole order. Who is not in it keeps theirs.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    new: BTreeMap<UserId, New>,
    /// Those who are changed in one transaction, by the first of them: how many follow each other.
    together: BTreeMap<UserId, usize>,
}

/// What becomes of one.
#[derive(Default, Serialize, Deserialize)]
struct New {
    upn: String,
    /// Why there is none.
    why: String,
    /// Somebody else of the order takes the old one, so it is not kept as an address.
    passes_on: bool,
}

impl Renaming {
    pub fn read(input: &Input) -> Result<Renaming> {
        let mut fields = Fields::of(input, UPN);
        let by = fields.optional::<By>("by").flatten();
        let pairs = fields.members("names");
        let by = by.unwrap_or(match pairs.is_empty() {
            true if fields.has("pattern") => By::Pattern,
            true => By::Domain,
            false => By::Names,
        });
        let domain = domain_of(fields.value("domain"));
        let from = domain_of(fields.value("from"));
        let mut own = None;
        let mut names = BTreeMap::new();
        match by {
            By::Domain if domain.is_empty() => {
                fields.complain::<()>("domain", "is required");
            }
            By::Pattern => match (fields.value("pattern"), fields.text("pattern", 0..=120)) {
                ("", _) => {}
                (text, _) => match Pattern::read(text, Makes::Upn) {
                    Ok(pattern) => own = Some(pattern),
                    Err(why) => {
                        fields.complain::<()>("pattern", why);
                    }
                },
            },
            By::Names => {
                if pairs.is_empty() {
                    fields.complain::<()>("names", "is required");
                }
                for (old, new) in pairs {
                    if !is_email(new) {
                        fields.complain::<()>("names", format!("has no sign-in name for {old}"));
                    }
                    names.insert(old.to_lowercase(), new.to_lowercase());
                }
            }
            By::Domain => {}
        }
        let mut tick = |name: &'static str, unsaid: bool| match fields.has(name) {
            true => fields.flag(name),
            false => Some(unsaid),
        };
        let (keep, follow) = (tick("keep_address", true), tick("follow", true));
        let tells = tick("tell", false);
        fields.finish(|| {
            let how = match by {
                By::Domain => How::Domain { from, to: domain },
                By::Pattern => How::Pattern { own, domain },
                By::Names => How::Names(names),
            };
            Some(Renaming { how, keep: keep?, follow: follow?, tells: tells? })
        })
    }

    /// The sign-in names that a list is about; none where it is not by names.
    pub fn old_names(&self) -> Option<BTreeSet<&str>> {
        match &self.how {
            How::Names(names) => Some(names.keys().map(String::as_str).collect()),
            _ => None,
        }
    }

    /// Who of `ids` gets which name, and the ids in the order in which they are changed.
    pub fn plan(&self, db: &Read, ids: &[UserId]) -> Result<(Vec<UserId>, Plan)> {
        let people = store::people(db, ids)?;
        let mut making = Making { renaming: self, patterns: HashMap::new(), given: HashMap::new() };
        let mut plan = Plan::default();
        for person in &people {
            if let Some(new) = making.of(db, person)? {
                plan.new.insert(person.id, new);
            }
        }
        let mut groups = plan.link(&people, self.follow);
        let mut order = Vec::with_capacity(people.len());
        let mut placed = BTreeSet::new();
        for id in people.iter().map(|person| person.id) {
            if placed.contains(&id) {
                continue;
            }
            match groups.remove(&id) {
                Some(group) => {
                    plan.together.insert(id, group.len());
                    placed.extend(group.iter().copied());
                    order.extend(group);
                }
                None => order.push(id),
            }
        }
        Ok((order, plan))
    }

    /// Gives those who belong together their new names.
    pub fn change(&self, tx: &Write, at: &At, plan: &Plan, ids: &[UserId]) -> Result<Vec<Changed>> {
        let read = at.actor.scope::<UsersRead>()?;
        let scope = at.actor.scope::<UsersRename>()?;
        for id in ids.iter().filter(|id| plan.new.get(*id).is_some_and(|new| new.passes_on)) {
            let user = users::one(tx, &read, *id)?;
            users::pass_on(tx, &scope, &user, &user.details.upn)?;
        }
        ids.iter()
            .map(|id| {
                let Some(new) = plan.new.get(id) else { return Ok(Changed::new()) };
                let user = users::one(tx, &read, *id)?;
                let mut input = Input::default();
                if user.details.mail == user.details.upn && self.follow {
                    input.set("mail", &new.upn);
                }
                input.set("upn", &new.upn);
                let keeps = self.keep && !new.passes_on;
                input.set("keep_address", if keeps { "1" } else { "0" });
                let home = Home::of(tx, &scope, user.customer)?;
                users::change_telling(tx, at.actor, &scope, &home, &user, &input, self.tells)
            })
            .collect()
    }
}

impl Plan {
    /// How many, from `id` on, are changed in one transaction.
    pub fn together(&self, id: UserId) -> usize {
        self.together.get(&id).copied().unwrap_or(1)
    }

    /// Why somebody gets no new name, where that is known beforehand.
    pub fn why_not(&self, id: UserId) -> Option<&str> {
        self.new.get(&id).map(|new| new.why.as_str()).filter(|why| !why.is_empty())
    }

    /// Finds who takes whose name: those belong together, and the name goes over. Groups by their
    /// first in the order of `people`, who comes first in it too.
    fn link(&mut self, people: &[Person], follow: bool) -> BTreeMap<UserId, Vec<UserId>> {
        let leaving: HashMap<&str, UserId> = people
            .iter()
            .filter(|each| self.new.get(&each.id).is_some_and(|new| new.why.is_empty()))
            .filter(|each| each.mail != each.upn || follow)
            .map(|each| (each.upn.as_str(), each.id))
            .collect();
        let takes: Vec<(UserId, UserId)> = self
            .new
            .iter()
            .filter_map(|(id, new)| Some((*id, *leaving.get(new.upn.as_str())?)))
            .filter(|(id, other)| id != other)
            .collect();
        let mut with = HashMap::new();
        for (id, other) in takes {
            if let Some(new) = self.new.get_mut(&other) {
                new.passes_on = true;
            }
            let (a, b) = (root(&mut with, id), root(&mut with, other));
            with.insert(a, b);
        }
        let mut groups: HashMap<UserId, Vec<UserId>> = HashMap::new();
        for id in people.iter().map(|person| person.id) {
            if !with.contains_key(&id) {
                continue;
            }
            groups.entry(root(&mut with, id)).or_default().push(id);
        }
        groups.into_values().filter_map(|group| Some((*group.first()?, group))).collect()
    }
}

/// Whom somebody belongs to in the end; the way there is shortened.
fn root(with: &mut HashMap<UserId, UserId>, id: UserId) -> UserId {
    let mut at = id;
    loop {
        let up = *with.entry(at).or_insert(at);
        if up == at {
            return at;
        }
        let above = with.get(&up).copied().unwrap_or(up);
        with.insert(at, above);
        at = above;
    }
}

/// Names in the making: which were given away already.
struct Making<'a> {
    renaming: &'a Renaming,
    patterns: HashMap<CustomerId, Patterns>,
    given: HashMap<String, String>,
}

impl Making<'_> {
    fn of(&mut self, db: &Read, person: &Person) -> Result<Option<New>> {
        let (local, host) = person.upn.split_once('@').unwrap_or((&person.upn, ""));
        let upn = match &self.renaming.how {
            How::Domain { from, .. } if !from.is_empty() && from != host => return Ok(None),
            How::Domain { to, .. } => format!("{local}@{to}"),
            How::Names(names) => match names.get(&person.upn) {
                Some(new) => new.clone(),
                None => return Ok(None),
            },
            How::Pattern { own, domain } => {
                let host = if domain.is_empty() { host } else { domain };
                match self.by_pattern(db, person, own.as_ref(), host)? {
                    Some(local) => format!("{local}@{host}"),
                    None => {
                        let why = "Choose a name yourself.".to_owned();
                        return Ok(Some(New { why, ..New::default() }));
                    }
                }
            }
        };
        if upn == person.upn {
            return Ok(None);
        }
        if let Some(other) = self.given.get(&upn) {
            let why = format!("sign-in name is taken by {other}");
            return Ok(Some(New { why, ..New::default() }));
        }
        self.given.insert(upn.clone(), person.name.clone());
        Ok(Some(New { upn, ..New::default() }))
    }

    /// The first name of the pattern that is free or the person's own.
    fn by_pattern(
        &mut self,
        db: &Read,
        person: &Person,
        own: Option<&Pattern>,
        host: &str,
    ) -> Result<Option<String>> {
        if own.is_none() && !self.patterns.contains_key(&person.customer) {
            self.patterns.insert(person.customer, Patterns::of(db, person.customer)?);
        }
        let given = &self.given;
        let taken = |local: &str| {
            let name = format!("{local}@{host}");
            Ok(name != person.upn
                && (given.contains_key(&name) || store::is_others(db, &name, person.id)?))
        };
        let of = pattern::Person {
            first: &person.first,
            last: &person.last,
            shown: &person.name,
            code: &person.code,
            customer: &person.customer_name,
            title: &person.title,
            department: &person.department,
            employee_id: &person.employee_id,
            local: "",
        };
        match (own, self.patterns.get(&person.customer)) {
            (Some(pattern), _) => pattern.free(&of, taken),
            (None, Some(patterns)) => patterns.upn(&of, taken),
            (None, None) => Ok(None),
        }
    }
}

fn domain_of(text: &str) -> String {
    text.trim().trim_start_matches('@').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: i64, upn: &str) -> Person {
        Person {
            id: UserId(id),
            customer: CustomerId(1),
            customer_name: String::new(),
            code: String::new(),
            name: String::new(),
            upn: upn.into(),
            mail: upn.into(),
            first: String::new(),
            last: String::new(),
            title: String::new(),
            department: String::new(),
            employee_id: String::new(),
        }
    }

    fn plan(new: &[(i64, &str)]) -> Plan {
        let one =
            |(id, upn): &(i64, &str)| (UserId(*id), New { upn: (*upn).into(), ..New::default() });
        Plan { new: new.iter().map(one).collect(), ..Plan::default() }
    }

    fn groups(plan: &mut Plan, people: &[Person], follow: bool) -> Vec<Vec<i64>> {
        let groups = plan.link(people, follow).into_values();
        groups.map(|group| group.iter().map(|id| id.0).collect()).collect()
    }

    #[test]
    fn who_takes_anothers_name_goes_with_them() {
        let people = [person(1, "a@x"), person(2, "b@x"), person(3, "c@x"), person(4, "d@x")];
        let mut swap = plan(&[(1, "b@x"), (2, "a@x"), (3, "e@x")]);
        assert_eq!(groups(&mut swap, &people, true), [[1, 2]]);
        assert!(swap.new[&UserId(1)].passes_on && swap.new[&UserId(2)].passes_on);
        assert!(!swap.new[&UserId(3)].passes_on, "its old name stays an address");
        let mut chain = plan(&[(1, "b@x"), (2, "c@x"), (3, "e@x"), (4, "f@x")]);
        assert_eq!(groups(&mut chain, &people, true), [[1, 2, 3]]);
        assert!(!chain.new[&UserId(1)].passes_on && chain.new[&UserId(3)].passes_on);
        let mut two = plan(&[(1, "b@x"), (2, "a@x"), (3, "d@x"), (4, "c@x")]);
        assert_eq!(groups(&mut two, &people, true), [[1, 2], [3, 4]]);
        // Whose primary address stays does not let the name go.
        let mut kept = plan(&[(1, "b@x"), (2, "a@x")]);
        assert!(groups(&mut kept, &people, false).is_empty());
        // Nor does who keeps the name.
        let mut stays = plan(&[(1, "b@x")]);
        assert!(groups(&mut stays, &people, true).is_empty());
    }
}
