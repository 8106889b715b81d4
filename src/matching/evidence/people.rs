//! The users of one customer, found by what an account may say of them.

use super::{Account, Evidence, local, person};
use crate::ids::UserId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A user of the customer.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub id: i64,
    pub upn: String,
    /// Every hosted address, the sign-in name among them.
    pub names: BTreeSet<String>,
    pub username: String,
    pub employee_id: String,
    pub first_name: String,
    pub last_name: String,
    pub break_glass: bool,
    /// The object that is theirs in this directory.
    pub bound: Option<String>,
    /// That object is not there any more.
    pub vanished: bool,
}

impl Known {
    pub(super) fn id(&self) -> UserId {
        UserId(self.id)
    }

    /// Whether no object that exists is theirs.
    pub(super) fn is_free(&self) -> bool {
        self.bound.is_none() || self.vanished
    }
}

/// The users of one customer, found by what they are known by.
#[derive(Default)]
pub struct People {
    all: Vec<Known>,
    by_object: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    by_username: HashMap<String, Vec<usize>>,
    by_employee: HashMap<String, Vec<usize>>,
    by_local: HashMap<String, Vec<usize>>,
    by_person: HashMap<(String, String), Vec<usize>>,
    /// Users by the id their account has in the directory that this one is synchronised from.
    pub anchors: HashMap<String, UserId>,
}

impl People {
    pub fn of(all: Vec<Known>) -> People {
        let mut people = People::default();
        for (n, known) in all.iter().enumerate() {
            if let Some(object) = &known.bound {
                people.by_object.insert(object.clone(), n);
            }
            for name in &known.names {
                people.by_name.insert(name.clone(), n);
            }
            let put = |into: &mut HashMap<String, Vec<usize>>, key: String| {
                if !key.is_empty() {
                    into.entry(key).or_default().push(n);
                }
            };
            put(&mut people.by_username, known.username.to_lowercase());
            put(&mut people.by_employee, known.employee_id.clone());
            put(&mut people.by_local, local(&known.upn).to_owned());
            if let Some(key) = person(&known.first_name, &known.last_name) {
                people.by_person.entry(key).or_default().push(n);
            }
        }
        people.all = all;
        people
    }

    /// Whose the object is.
    pub(super) fn bound_to(&self, object: &str) -> Option<&Known> {
        self.by_object.get(object).and_then(|n| self.get(*n))
    }

    pub(super) fn get(&self, n: usize) -> Option<&Known> {
        self.all.get(n)
    }

    /// Objects bound to users for whom an account that was seen speaks, and which were not seen
    /// themselves: whether they are there still decides.
    pub fn doubted(&self, accounts: &[Account]) -> BTreeSet<String> {
        let seen: HashSet<&str> = accounts.iter().map(|each| each.object.as_str()).collect();
        let loose = accounts.iter().filter(|each| !self.by_object.contains_key(&each.object));
        let users = loose.flat_map(|each| self.spoken_for(each).into_keys());
        let bound = users.filter_map(|n| self.get(n)?.bound.clone());
        bound.filter(|object| !seen.contains(object.as_str())).collect()
    }

    /// The object is not there any more.
    pub fn has_vanished(&mut self, object: &str) {
        let found = self.by_object.get(object).and_then(|n| self.all.get_mut(*n));
        if let Some(known) = found {
            known.vanished = true;
        }
    }

    /// Users and what speaks for each.
    pub(super) fn spoken_for(&self, account: &Account) -> BTreeMap<usize, BTreeSet<Evidence>> {
        let mut found: BTreeMap<usize, BTreeSet<Evidence>> = BTreeMap::new();
        let mut add = |n: &usize, evidence| {
            found.entry(*n).or_default().insert(evidence);
        };
        if let Some(n) = self.upn_of(&account.upn) {
            add(&n, Evidence::Upn);
        }
        for address in account.addresses.iter().chain([&account.upn]) {
            if let Some(n) = self.by_name.get(address) {
                add(n, Evidence::Address);
            }
        }
        let employee = account.field("employee_id");
        let lists = [
            (self.by_username.get(&account.username.to_lowercase()), Evidence::Username),
            (self.by_employee.get(employee), Evidence::EmployeeId),
            (self.by_local.get(local(&account.upn)), Evidence::Local),
        ];
        for (list, evidence) in lists {
            list.into_iter().flatten().for_each(|n| add(n, evidence));
        }
        let key = person(account.field("first_name"), account.field("last_name"));
        if let Some(list) = key.and_then(|key| self.by_person.get(&key)) {
            list.iter().for_each(|n| add(n, Evidence::Name));
        }
        found
    }

    pub(super) fn upn_of(&self, upn: &str) -> Option<usize> {
        let n = self.by_name.get(upn)?;
        self.get(*n).filter(|known| known.upn == upn).map(|_| *n)
    }
}
