//! What of one object is not as it should be: pure functions of what is wanted and what was seen.

use super::{Ground, Kind, NAME};
use crate::directory::work::access;
use crate::directory::work::told::Difference;
use crate::directory::{Class, Flavour};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::name::{Dn, Rdn, fold};
use crate::drivers::ldap::session::Entry;
use std::collections::BTreeSet;

/// What is found, before it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    pub kind: Kind,
    pub what: String,
    pub ours: String,
    pub theirs: String,
}

/// What is wanted of an object that is bound.
pub struct Wanted<'w> {
    pub class: Class,
    /// Where it belongs, in the names that OUs have now.
    pub place: &'w Dn,
    /// None where either is right.
    pub enabled: Option<bool>,
    pub differences: &'w [Difference],
    /// Fields that the directory owns, which is followed; its places are its own as well then.
    pub owned: Option<&'w BTreeSet<String>>,
}

fn fresh(kind: Kind, what: &str, ours: &str, theirs: &str) -> Fresh {
    Fresh { kind, what: what.to_owned(), ours: ours.to_owned(), theirs: theirs.to_owned() }
}

/// All that is different.
pub fn of(wanted: &Wanted, now: &Dn, ground: &Ground, entry: &Entry) -> Vec<Fresh> {
    let mut all = Vec::new();
    if wanted.owned.is_none() {
        places(wanted.place, now, &mut all);
    }
    if wanted.class != Class::User {
        return all;
    }
    let on = !is_disabled(ground, entry);
    match wanted.enabled {
        Some(true) if !on => all.push(fresh(Kind::Disabled, "", "enabled", "disabled")),
        Some(false) if on && ground.tells_who_is_on() => {
            all.push(fresh(Kind::Enabled, "", "disabled", "enabled"));
        }
        _ => {}
    }
    for each in wanted.differences {
        if wanted.owned.is_some_and(|owned| owned.contains(each.field)) {
            continue;
        }
        let kind = match each.field {
            "username" | "upn" => Kind::Renamed,
            _ => Kind::Attribute,
        };
        all.push(fresh(kind, each.attribute, &each.ours, &each.theirs));
    }
    all
}

fn places(ours: &Dn, now: &Dn, all: &mut Vec<Fresh>) {
    if let (Some(here), Some(there)) = (ours.parent(), now.parent())
        && here != there
    {
        all.push(fresh(Kind::Moved, "", &here.to_string(), &there.to_string()));
    }
    let (one, other) = (ours.first().map_or("", Rdn::value), now.first().map_or("", Rdn::value));
    if fold(one) != fold(other) {
        all.push(fresh(Kind::Renamed, NAME, one, other));
    }
}

/// Whether nobody can sign in with it. OpenLDAP says so where somebody has locked it for good, or by the
/// attribute that was named.
fn is_disabled(ground: &Ground, entry: &Entry) -> bool {
    match ground.flavour {
        Flavour::Ad => {
            entry.number("userAccountControl").is_some_and(|flags| flags & ad::DISABLED != 0)
        }
        Flavour::OpenLdap => {
            let named = |(attribute, value): (&str, &str)| {
                entry.texts(attribute).iter().any(|each| each.eq_ignore_ascii_case(value))
            };
            entry.text(access::LOCK) == access::FOREVER || ground.off().is_some_and(named)
        }
    }
}

/// A name in the words of today: what OUs above it are called or lie in now.
pub fn rebased(name: &Dn, moves: &[(Dn, Dn)]) -> Dn {
    let mut steps = Vec::new();
    let mut at = Some(name.clone());
    while let Some(here) = at {
        let known = moves.iter().find(|(from, _)| *from == here);
        if let Some((_, to)) = known.filter(|_| !steps.is_empty()) {
            return steps.into_iter().rev().fold(to.clone(), |below, step| below.child(step));
        }
        steps.extend(here.first().cloned());
        at = here.parent();
    }
    name.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    #[test]
    fn what_moved_and_what_was_renamed_are_two_things() {
        let found = |ours: &str, now: &str| {
            let mut all = Vec::new();
            places(&dn(ours), &dn(now), &mut all);
            all.into_iter().map(|each| (each.kind, each.ours, each.theirs)).collect::<Vec<_>>()
        };
        let ours = "CN=Ann Ash,OU=A,DC=x";
        assert!(found(ours, "cn=ann  ash, ou=a,dc=X").is_empty());
        assert_eq!(
            found(ours, "CN=Ann Ash,OU=B,DC=x"),
            [(Kind::Moved, "OU=A,DC=x".to_owned(), "OU=B,DC=x".to_owned())]
        );
        assert_eq!(
            found(ours, "CN=Anna,OU=A,DC=x"),
            [(Kind::Renamed, "Ann Ash".to_owned(), "Anna".to_owned())]
        );
        assert_eq!(found(ours, "CN=Anna,OU=B,DC=x").len(), 2);
    }

    #[test]
    fn what_lies_in_an_ou_goes_along_with_it() {
        let moves = [(dn("OU=A,DC=x"), dn("OU=B,OU=Old,DC=x"))];
        assert_eq!(
            rebased(&dn("CN=Ann,OU=In,OU=A,DC=x"), &moves),
            dn("CN=Ann,OU=In,OU=B,OU=Old,DC=x")
        );
        assert_eq!(rebased(&dn("OU=A,DC=x"), &moves), dn("OU=A,DC=x"));
        assert_eq!(rebased(&dn("CN=Ann,OU=C,DC=x"), &moves), dn("CN=Ann,OU=C,DC=x"));
    }
}
