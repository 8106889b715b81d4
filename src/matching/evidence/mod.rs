//! Who an account of a directory is here, judged by evidence alone: an id that is bound, then the
//! exact sign-in name, then whatever a person is to look at. Never the part before the @ by itself,
//! never the name that is shown, never across customers.

pub mod people;

use crate::ids::UserId;
use crate::letters;
use crate::users::names;
use people::{Known, People};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

words! {
    /// What an account is by its nature.
    Nature {
        Person = "person", Computer = "computer", Service = "service", Mailbox = "mailbox",
        Guest = "guest", BuiltIn = "built_in", Administrator = "administrator",
    }
}

words! {
    /// Why an account is nobody to look at.
    Skip {
        Computer = "computer", Service = "service", Mailbox = "mailbox", Guest = "guest",
        BuiltIn = "built_in", Administrator = "administrator", BreakGlass = "break_glass",
        Foreign = "foreign", Disabled = "disabled",
    }
}

words! {
    /// What speaks for an account being somebody, the strongest first.
    Evidence {
        Upn = "upn", Address = "address", Username = "username", EmployeeId = "employee_id",
        Local = "local_part", Name = "name",
    }
}

words! {
    /// Why somebody is to decide.
    Why {
        Recreated = "recreated", Double = "double", Similar = "similar", Name = "sign_in_name",
        New = "new",
    }
}

/// An account as the directory has it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// The id that never changes.
    pub object: String,
    /// Its whole name there.
    pub place: String,
    pub nature: Option<Nature>,
    pub username: String,
    /// In small letters; empty where the directory has none.
    pub upn: String,
    /// Primary and further addresses, in small letters.
    pub addresses: BTreeSet<String>,
    pub disabled: bool,
    /// Of Entra: the id of the account it is synchronised from.
    pub anchor: Option<String>,
    /// It lies in another customer's part, or is bound to one.
    pub foreign: bool,
    /// Our fields, as far as the directory has them.
    pub fields: BTreeMap<String, String>,
}

impl Account {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// What it is called where people read it.
    pub fn name(&self) -> &str {
        [self.field("display_name"), &self.upn, &self.username, &self.place]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }
}

/// What is judged by besides the users.
#[derive(Default)]
pub struct Ground {
    /// The customer's verified domains, the main one first.
    pub domains: Vec<String>,
    /// Sign-in names and addresses that are another customer's.
    pub elsewhere: HashSet<String>,
    /// Disabled accounts are left out.
    pub only_enabled: bool,
}

/// One who may be meant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Candidate {
    pub user_id: UserId,
    pub evidence: BTreeSet<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Skipped(Skip),
    /// The account is theirs already.
    Known(UserId),
    /// The account is theirs by the one it is synchronised from.
    Anchored(UserId),
    /// The exact sign-in name of somebody without an account there.
    Linked(UserId),
    /// Somebody is to decide.
    Proposed {
        why: Why,
        candidates: Vec<Candidate>,
        suggested: Option<String>,
    },
    /// The sign-in name is another customer's.
    Elsewhere,
    New,
}

/// A verdict for each account, in their order.
pub fn judge(accounts: &[Account], people: &People, ground: &Ground) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = accounts.iter().map(|each| one(each, people, ground)).collect();
    // Two objects for one user: nothing is linked.
    let mut of_user: HashMap<UserId, Vec<usize>> = HashMap::new();
    for (n, verdict) in all.iter().enumerate() {
        if let Verdict::Linked(user) | Verdict::Anchored(user) = verdict {
            of_user.entry(*user).or_default().push(n);
        }
    }
    for (user, twice) in of_user.into_iter().filter(|(_, list)| list.len() > 1) {
        for n in twice {
            if let Some(verdict) = all.get_mut(n) {
                let evidence = BTreeSet::from([Evidence::Upn]);
                let candidates = vec![Candidate { user_id: user, evidence }];
                *verdict = Verdict::Proposed { why: Why::Double, candidates, suggested: None };
            }
        }
    }
    all
}

fn one(account: &Account, people: &People, ground: &Ground) -> Verdict {
    if let Some(why) = skipped(account) {
        return Verdict::Skipped(why);
    }
    if let Some(known) = people.bound_to(&account.object) {
        return Verdict::Known(known.id());
    }
    if account.disabled && ground.only_enabled {
        return Verdict::Skipped(Skip::Disabled);
    }
    if let Some(user) = account.anchor.as_ref().and_then(|anchor| people.anchors.get(anchor)) {
        return Verdict::Anchored(*user);
    }
    let found = people.spoken_for(account);
    let by_upn = people.upn_of(&account.upn).and_then(|n| people.get(n));
    let all = |fits: &dyn Fn(&Known) -> bool| -> Vec<Candidate> {
        let known = found.iter().filter_map(|(n, evidence)| Some((people.get(*n)?, evidence)));
        let fit = known.filter(|(known, _)| !known.break_glass && fits(known));
        let mut fit: Vec<Candidate> = fit
            .map(|(known, evidence)| Candidate { user_id: known.id(), evidence: evidence.clone() })
            .collect();
        // A smaller set begins later than one that has the stronger evidence.
        fit.sort_by(|a, b| a.evidence.iter().cmp(b.evidence.iter()));
        fit
    };
    let proposed = |why, candidates| Verdict::Proposed { why, candidates, suggested: None };
    if let Some(known) = by_upn {
        let is_them = |other: &Known| other.id == known.id;
        if known.break_glass {
            return Verdict::Skipped(Skip::BreakGlass);
        }
        if known.vanished {
            return proposed(Why::Recreated, all(&is_them));
        }
        let verified = ground.domains.iter().any(|name| name == domain(&account.upn));
        let others = all(&|other| {
            let addressed = |n: &usize| people.get(*n).is_some_and(|known| known.id == other.id);
            is_them(other)
                || found
                    .iter()
                    .any(|(n, evidence)| addressed(n) && evidence.contains(&Evidence::Address))
        });
        return match known.bound.is_some() || others.len() > 1 {
            true => proposed(Why::Double, others),
            false if !verified => proposed(Why::Similar, others),
            false => Verdict::Linked(known.id()),
        };
    }
    if ground.elsewhere.contains(&account.upn) {
        return Verdict::Elsewhere;
    }
    let candidates = all(&Known::is_free);
    if !candidates.is_empty() {
        return proposed(Why::Similar, candidates);
    }
    match account.upn.is_empty() || fits(&account.upn, &ground.domains) {
        true => Verdict::New,
        false => {
            let suggested = corrected(account, &ground.domains);
            Verdict::Proposed { why: Why::Name, candidates: Vec::new(), suggested }
        }
    }
}

fn skipped(account: &Account) -> Option<Skip> {
    match account.nature.unwrap_or(Nature::Person) {
        Nature::Computer => Some(Skip::Computer),
        Nature::Service => Some(Skip::Service),
        Nature::Mailbox => Some(Skip::Mailbox),
        Nature::Guest => Some(Skip::Guest),
        Nature::BuiltIn => Some(Skip::BuiltIn),
        Nature::Administrator => Some(Skip::Administrator),
        Nature::Person => account.foreign.then_some(Skip::Foreign),
    }
}

/// Whether it can be a sign-in name of the customer.
fn fits(upn: &str, domains: &[String]) -> bool {
    names::is_local(local(upn)) && domains.iter().any(|name| name == domain(upn))
}

/// A sign-in name that can be, as near as possible.
fn corrected(account: &Account, domains: &[String]) -> Option<String> {
    let own = domain(&account.upn);
    let domain = domains.iter().find(|name| *name == own).or(domains.first())?;
    let folded = letters::fold(local(&account.upn));
    let good = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(*c);
    let mut text: String = folded.chars().filter(good).take(64).collect();
    while text.contains("..") {
        text = text.replace("..", ".");
    }
    let text = text.trim_matches('.');
    names::is_local(text).then(|| format!("{text}@{domain}"))
}

fn local(name: &str) -> &str {
    name.rsplit_once('@').map_or("", |(local, _)| local)
}

fn domain(name: &str) -> &str {
    name.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// First and last name, both there.
fn person(first: &str, last: &str) -> Option<(String, String)> {
    let both = !first.is_empty() && !last.is_empty();
    both.then(|| (first.to_lowercase(), last.to_lowercase()))
}

impl Skip {
    /// The reason, as a sentence.
    pub fn said(self) -> &'static str {
        match self {
            Skip::Computer => "Is a computer.",
            Skip::Service => "Is a service account.",
            Skip::Mailbox => "Is a shared mailbox, a room or a piece of equipment.",
            Skip::Guest => "Is a guest.",
            Skip::BuiltIn => "Came with the directory.",
            Skip::Administrator => "Is protected there as an administrator.",
            Skip::BreakGlass => "Is kept for emergencies here.",
            Skip::Foreign => "Belongs to another customer.",
            Skip::Disabled => "Is disabled there.",
        }
    }
}

impl Evidence {
    pub fn said(self) -> &'static str {
        match self {
            Evidence::Upn => "same sign-in name",
            Evidence::Address => "same address",
            Evidence::Username => "same user name",
            Evidence::EmployeeId => "same employee id",
            Evidence::Local => "same name before the @, on another domain",
            Evidence::Name => "same first and last name",
        }
    }
}

impl Why {
    pub fn said(self) -> &'static str {
        match self {
            Why::Recreated => "The account was deleted and made again. Replace the link?",
            Why::Double => "More than one account or user fits.",
            Why::Similar => "Somebody here may be meant.",
            Why::Name => "The sign-in name cannot be used here as it is.",
            Why::New => "Nobody here is known by it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(object: &str, upn: &str) -> Account {
        Account { object: object.into(), upn: upn.into(), ..Account::default() }
    }

    fn with(mut account: Account, fields: &[(&str, &str)]) -> Account {
        for (name, value) in fields {
            account.fields.insert((*name).into(), (*value).into());
        }
        account
    }

    fn known(id: i64, upn: &str) -> Known {
        Known { id, upn: upn.into(), names: [upn.to_owned()].into(), ..Known::default() }
    }

    /// Ella 1 is bound to `e`; Ben 2 has a second address and a number; Gone 3 was bound to `g`,
    /// which is not there; Glass 4 is for emergencies; Two 5 and Too 6 are called alike; Held 7 is
    /// bound to `h`, which exists.
    fn people() -> People {
        let ben = Known {
            names: ["ben@a.example".into(), "benjamin@a.example".into()].into(),
            username: "BenB".into(),
            employee_id: "4711".into(),
            first_name: "Ben".into(),
            last_name: "Birch".into(),
            ..known(2, "ben@a.example")
        };
        let called =
            |id, upn| Known { first_name: "Ann".into(), last_name: "Ash".into(), ..known(id, upn) };
        let mut people = People::of(vec![
            Known { bound: Some("e".into()), ..known(1, "ella@a.example") },
            ben,
            Known {
                bound: Some("g".into()),
                employee_id: "99".into(),
                ..known(3, "gone@a.example")
            },
            Known { break_glass: true, ..known(4, "glass@a.example") },
            called(5, "two@a.example"),
            called(6, "too@a.example"),
            Known { bound: Some("h".into()), ..known(7, "held@a.example") },
            known(8, "out@unproven.example"),
        ]);
        people.anchors.insert("anchor".into(), UserId(2));
        people.has_vanished("g");
        people
    }

    fn ground() -> Ground {
        Ground {
            domains: vec!["a.example".into(), "b.example".into()],
            elsewhere: ["theirs@a.example".to_owned()].into(),
            only_enabled: true,
        }
    }

    fn proposed(why: Why, users: &[(i64, &[Evidence])]) -> Verdict {
        let candidates = users
            .iter()
            .map(|(id, evidence)| Candidate {
                user_id: UserId(*id),
                evidence: evidence.iter().copied().collect(),
            })
            .collect();
        Verdict::Proposed { why, candidates, suggested: None }
    }

    fn renamed(to: &str) -> Verdict {
        let suggested = Some(to.to_owned());
        Verdict::Proposed { why: Why::Name, candidates: Vec::new(), suggested }
    }

    fn natured(nature: Nature) -> Account {
        Account { nature: Some(nature), ..account("x", "x@a.example") }
    }

    #[test]
    fn p_91_each_step_of_the_table() {
        use Evidence::{Address, EmployeeId, Local, Name, Upn, Username};
        let addressed = |address: &str, mut it: Account| {
            it.addresses.insert(address.to_owned());
            it
        };
        let anchored = Account { anchor: Some("anchor".into()), ..account("x", "") };
        let disabled = Account { disabled: true, ..account("x", "x@a.example") };
        let foreign = Account { foreign: true, ..account("x", "ben@a.example") };
        let named = Account { username: "BENB".into(), ..account("x", "") };
        let table: Vec<(&str, Account, Verdict)> = vec![
            ("0 computer", natured(Nature::Computer), Verdict::Skipped(Skip::Computer)),
            ("0 service", natured(Nature::Service), Verdict::Skipped(Skip::Service)),
            ("0 mailbox", natured(Nature::Mailbox), Verdict::Skipped(Skip::Mailbox)),
            ("0 guest", natured(Nature::Guest), Verdict::Skipped(Skip::Guest)),
            ("0 built in", natured(Nature::BuiltIn), Verdict::Skipped(Skip::BuiltIn)),
            (
                "0 administrator",
                natured(Nature::Administrator),
                Verdict::Skipped(Skip::Administrator),
            ),
            ("0 foreign", foreign, Verdict::Skipped(Skip::Foreign)),
            ("0 disabled", disabled, Verdict::Skipped(Skip::Disabled)),
            ("0 emergencies", account("x", "glass@a.example"), Verdict::Skipped(Skip::BreakGlass)),
            ("1 bound", account("e", "ella@a.example"), Verdict::Known(UserId(1))),
            ("1 whatever it is called", account("e", "other@b.example"), Verdict::Known(UserId(1))),
            ("1 with another's name", account("e", "ben@a.example"), Verdict::Known(UserId(1))),
            (
                "1 disabled there",
                Account { disabled: true, ..account("e", "ella@a.example") },
                Verdict::Known(UserId(1)),
            ),
            ("2 anchor", anchored, Verdict::Anchored(UserId(2))),
            ("3 exact", account("x", "ben@a.example"), Verdict::Linked(UserId(2))),
            (
                "3 not verified",
                account("x", "out@unproven.example"),
                proposed(Why::Similar, &[(8, &[Upn, Address, Local])]),
            ),
            ("3 no folding", account("x", "bén@a.example"), renamed("ben@a.example")),
            (
                "4 made again",
                account("x", "gone@a.example"),
                proposed(Why::Recreated, &[(3, &[Upn, Address, Local])]),
            ),
            (
                "4 the other is there",
                account("x", "held@a.example"),
                proposed(Why::Double, &[(7, &[Upn, Address, Local])]),
            ),
            (
                "5 address",
                addressed("benjamin@a.example", account("x", "")),
                proposed(Why::Similar, &[(2, &[Address])]),
            ),
            ("5 user name", named, proposed(Why::Similar, &[(2, &[Username])])),
            (
                "5 number",
                with(account("x", "new@a.example"), &[("employee_id", "4711")]),
                proposed(Why::Similar, &[(2, &[EmployeeId])]),
            ),
            (
                "5 number of one that is gone",
                with(account("x", "new@a.example"), &[("employee_id", "99")]),
                proposed(Why::Similar, &[(3, &[EmployeeId])]),
            ),
            (
                "5 local part",
                account("x", "ben@b.example"),
                proposed(Why::Similar, &[(2, &[Local])]),
            ),
            ("5 of one with an account", account("x", "ella@b.example"), Verdict::New),
            (
                "5 name",
                with(
                    account("x", "bb@b.example"),
                    &[("first_name", "BEN"), ("last_name", "birch")],
                ),
                proposed(Why::Similar, &[(2, &[Name])]),
            ),
            (
                "5 half a name",
                with(account("x", "bb@b.example"), &[("last_name", "Birch")]),
                Verdict::New,
            ),
            (
                "5 shown name",
                with(account("x", "bb@b.example"), &[("display_name", "Ben Birch")]),
                Verdict::New,
            ),
            (
                "6 two users",
                with(account("x", ""), &[("first_name", "Ann"), ("last_name", "Ash")]),
                proposed(Why::Similar, &[(5, &[Name]), (6, &[Name])]),
            ),
            (
                "6 name of one, address of another",
                addressed("two@a.example", account("x", "too@a.example")),
                proposed(Why::Double, &[(6, &[Upn, Address, Local]), (5, &[Address])]),
            ),
            ("7 another customer's", account("x", "theirs@a.example"), Verdict::Elsewhere),
            ("8 nobody", account("x", "new@b.example"), Verdict::New),
            ("8 without a name", account("x", ""), Verdict::New),
            ("8 not our domain", account("x", "new@old.local"), renamed("new@a.example")),
        ];
        let (people, ground) = (people(), ground());
        for (what, account, wanted) in table {
            assert_eq!(judge(&[account], &people, &ground), [wanted], "{what}");
        }
    }

    #[test]
    fn two_objects_for_one_user_are_both_proposed() {
        let both = [account("x", "ben@a.example"), account("y", "ben@a.example")];
        for verdict in judge(&both, &people(), &ground()) {
            assert!(matches!(verdict, Verdict::Proposed { why: Why::Double, .. }), "{verdict:?}");
        }
    }

    #[test]
    fn ella_of_one_domain_is_never_ella_of_the_other() {
        let one = known(1, "ella@a.example");
        let people = People::of(vec![one]);
        let verdict = judge(&[account("x", "ella@b.example")], &people, &ground());
        assert_eq!(verdict, [proposed(Why::Similar, &[(1, &[Evidence::Local])])]);
    }

    #[test]
    fn what_is_to_be_asked_for_is_named() {
        let people = people();
        let seen = [account("x", "held@a.example"), account("e", "ella@a.example")];
        assert_eq!(people.doubted(&seen), ["h".to_owned()].into());
        let both = [account("x", "held@a.example"), account("h", "other@a.example")];
        assert!(people.doubted(&both).is_empty());
    }
}
