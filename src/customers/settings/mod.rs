//! What a customer decides for itself and everybody below it: each setting is either set here or
//! inherited from the next one above that set it. This is the one mechanism for all such settings.
//!
//! Invariant: a setting that may only be tightened is, at every customer, as tight as anybody above
//! it has made it, also where something looser was set below before.

pub mod api;
pub mod pages;
mod store;

use super::is_in_state;
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::places::State;
use serde_json::{Value, json};

/// One setting: its key, what it is where nobody sets it, and its rule.
pub struct Setting {
    pub key: &'static str,
    pub default: &'static str,
    pub rule: Rule,
    /// Which way it may go below whoever set it.
    pub below: Below,
    pub group: Group,
    pub label: &'static str,
    pub hint: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `yes` or `no`.
    YesNo,
    Number(i64, i64),
    /// A number, or `off`.
    OffOr(i64, i64),
    /// One of a few whole numbers.
    OneOf(&'static [i64]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    Freely,
    /// The same number or a higher one.
    More,
    /// The same number or a lower one; `off` is the highest.
    Less,
    /// What is `no` above cannot be `yes`.
    OnlyNo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Passwords,
    Doors,
    Mails,
    Leaving,
    Brake,
}

/// A setting as it holds at a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    pub value: String,
    /// Who decided it; none: nobody, it is Portico's default.
    pub from: Option<(CustomerId, String)>,
    /// What the customer itself set, even where it is held tighter from above.
    pub own: Option<String>,
    /// What it would be without that.
    pub inherited: String,
    pub inherited_from: Option<(CustomerId, String)>,
}

/// A value along the chain: who set it, the highest first.
pub struct Said {
    pub customer: CustomerId,
    pub name: String,
    pub value: String,
}

macro_rules! settings {
    ($($key:literal $default:literal $rule:expr, $below:ident $group:ident $label:literal $hint:literal;)+) => {
        pub const SETTINGS: &[Setting] = &[$(Setting {
            key: $key, default: $default, rule: $rule, below: Below::$below, group: Group::$group,
            label: $label, hint: $hint,
        }),+];

        /// What a change may name; an empty value drops what was set.
        pub const CHANGE: &[Field] = &[$(Field::text($key, $label)),+];
    };
}

settings! {
    "password_length" "12" Rule::Number(8, 128), More Passwords "Shortest password" "8 to 128 characters.";
    "password_classes" "0" Rule::OneOf(&[0, 3]), More Passwords "Kinds of characters" "0, or 3 of lower case, upper case, digits and others.";
    "password_history" "5" Rule::Number(0, 24), More Passwords "Earlier passwords refused" "0 to 24.";
    "password_max_age" "off" Rule::OffOr(30, 730), Less Passwords "Passwords last" "30 to 730 days, or off.";
    "password_banner_days" "14" Rule::Number(1, 60), Freely Passwords "Say so before they end" "1 to 60 days.";
    "never_expires_allowed" "no" Rule::YesNo, OnlyNo Passwords "Single users may be exempt" "";
    "self_reset" "yes" Rule::YesNo, Freely Doors "People may reset a forgotten password" "";
    "reset_by_code" "no" Rule::YesNo, Freely Doors "… also with their code and a recovery code" "";
    "verify_before_link" "no" Rule::YesNo, Freely Doors "Verify a person before a link is shown" "";
    "act_as" "yes" Rule::YesNo, Freely Doors "Staff above may act as a user" "";
    "factor_for_all" "no" Rule::YesNo, Freely Doors "Everybody needs a second factor" "";
    "welcome_by_hand" "yes" Rule::YesNo, Freely Mails "Welcome mail to users added by hand" "How the tick on the form of a new user stands.";
    "service_mails_to_contact" "yes" Rule::YesNo, Freely Mails "Tell the contact when a service starts or ends" "Of the customer’s own services, not those of its users.";
    "service_mails_to_users" "no" Rule::YesNo, Freely Mails "Tell users when a service of theirs is ready" "";
    "limit_mails" "yes" Rule::YesNo, Freely Mails "Say when a limit is nearly reached" "At nine tenths and when nothing is left, to whoever set it.";
    "welcome_by_import" "no" Rule::YesNo, Freely Mails "Welcome mail to imported users" "Where an import does not say otherwise.";
    "offboard_end_sign_ins" "yes" Rule::YesNo, Freely Leaving "End sign-ins and tokens" "";
    "offboard_disable" "yes" Rule::YesNo, Freely Leaving "Disable the account" "";
    "offboard_end_services" "no" Rule::YesNo, Freely Leaving "End all services at once" "";
    "offboard_hide_from_lists" "no" Rule::YesNo, Freely Leaving "Hide from address lists" "";
    "offboard_out_of_office" "no" Rule::YesNo, Freely Leaving "Out-of-office note" "";
    "offboard_share_mailbox" "no" Rule::YesNo, Freely Leaving "Make the mailbox shared" "";
    "offboard_leave_groups" "no" Rule::YesNo, Freely Leaving "Leave workspace and groups" "";
    "offboard_deprovision_after" "30" Rule::OffOr(0, 365), Freely Leaving "The account ends after" "0 to 365 days, or off.";
    "offboard_delete_after" "off" Rule::OffOr(0, 365), Freely Leaving "It goes into the bin after" "0 to 365 days more, or off.";
    "brake_users" "10" Rule::Number(1, 10), Less Brake "Users at once" "1 to 10. Work that takes from more waits until somebody lets it go.";
    "brake_percent" "5" Rule::Number(1, 5), Less Brake "… or of all users, in a hundred" "1 to 5, from three users on.";
    "brake_people" "1" Rule::OneOf(&[1, 2]), More Brake "People who have to agree" "1, or 2: then whoever ordered it cannot let it go.";
    "memory_months" "24" Rule::Number(1, 120), Freely Leaving "What users were is remembered for" "1 to 120 months after their account has ended.";
}

impl Setting {
    /// The setting of that key; the keys are literals of this program.
    pub fn of(key: &str) -> Result<&'static Setting> {
        let found = SETTINGS.iter().find(|setting| setting.key == key);
        found.ok_or_else(|| Error::internal(format!("there is no setting {key}")))
    }

    /// What is wrong with `value`, as a message that follows its label.
    fn complaint(&self, value: &str) -> Option<String> {
        let number = value.parse::<i64>().ok().filter(|n| n.to_string() == value);
        match self.rule {
            Rule::YesNo if !["yes", "no"].contains(&value) => Some("must be yes or no".into()),
            Rule::Number(least, most) if !number.is_some_and(|n| (least..=most).contains(&n)) => {
                Some(format!("must be a whole number from {least} to {most}"))
            }
            Rule::OffOr(least, most)
                if value != "off" && !number.is_some_and(|n| (least..=most).contains(&n)) =>
            {
                Some(format!("must be off or a whole number from {least} to {most}"))
            }
            Rule::OneOf(all) if !number.is_some_and(|n| all.contains(&n)) => {
                let all: Vec<String> = all.iter().map(i64::to_string).collect();
                Some(format!("must be {}", all.join(" or ")))
            }
            _ => None,
        }
    }

    /// Why `value` is looser than what `above` says, who is called `name`.
    fn too_loose(&self, value: &str, above: &str, name: &str) -> Option<String> {
        if !self.is_looser(value, above) {
            return None;
        }
        Some(match self.below {
            Below::More => format!("must be {above} or more (set by {name})"),
            Below::Less => format!("must be {above} or less (set by {name})"),
            Below::OnlyNo | Below::Freely => format!("must be no (set by {name})"),
        })
    }

    fn is_looser(&self, value: &str, above: &str) -> bool {
        let number = |text: &str| text.parse::<i64>().unwrap_or(i64::MAX);
        match self.below {
            Below::Freely => false,
            Below::More => number(value) < number(above),
            Below::Less => number(value) > number(above),
            Below::OnlyNo => above == "no" && value == "yes",
        }
    }

    /// What holds after everybody in `chain`, the highest first, has had their say. A default binds
    /// nobody: the first to say something may be looser than it.
    fn resolve<'c>(&self, chain: &'c [Said]) -> Option<&'c Said> {
        let mut held: Option<&Said> = None;
        for said in chain {
            match held {
                Some(above) if self.is_looser(&said.value, &above.value) => {}
                _ => held = Some(said),
            }
        }
        held
    }

    fn effective(&self, chain: &[Said], customer: CustomerId) -> Effective {
        let own = chain.iter().position(|said| said.customer == customer);
        let above = chain.get(..own.unwrap_or(chain.len())).unwrap_or_default();
        let of = |held: Option<&Said>| match held {
            Some(said) => (said.value.clone(), Some((said.customer, said.name.clone()))),
            None => (self.default.to_owned(), None),
        };
        let (value, from) = of(self.resolve(chain));
        let (inherited, inherited_from) = of(self.resolve(above));
        let own = own.and_then(|place| chain.get(place)).map(|said| said.value.clone());
        Effective { value, from, own, inherited, inherited_from }
    }
}

/// What holds at `customer`. Asked by doors and forms, which decide themselves who may know it.
pub fn effective(db: &Read, customer: CustomerId, key: &'static str) -> Result<Effective> {
    let chain = store::chain(db, customer, key)?;
    Ok(Setting::of(key)?.effective(&chain, customer))
}

/// The same of a text that is no row of the table above: each customer may say what it likes.
pub fn inherited(
    db: &Read,
    customer: CustomerId,
    key: &'static str,
    default: &'static str,
) -> Result<Effective> {
    let setting = Setting {
        key,
        default,
        rule: Rule::YesNo,
        below: Below::Freely,
        group: Group::Doors,
        label: "",
        hint: "",
    };
    Ok(setting.effective(&store::chain(db, customer, key)?, customer))
}

/// Sets such a text, or drops it where it is empty; whoever calls records it.
pub fn put(
    tx: &Write,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    key: &'static str,
    value: &str,
) -> Result<()> {
    store::set(tx, scope, customer, key, value)
}

/// Whose word it is, for people.
pub fn who(from: Option<&(CustomerId, String)>) -> String {
    from.map_or_else(|| "Portico’s default".to_owned(), |(_, name)| format!("from {name}"))
}

/// The same of a setting that is `yes` or `no`.
pub fn flag(db: &Read, customer: CustomerId, key: &'static str) -> Result<bool> {
    Ok(effective(db, customer, key)?.value == "yes")
}

/// The same of a number; `off` is none.
pub fn number(db: &Read, customer: CustomerId, key: &'static str) -> Result<Option<i64>> {
    Ok(effective(db, customer, key)?.value.parse().ok())
}

/// All of them, in the order of the table above.
pub fn all(
    db: &Read,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
) -> Result<Vec<(&'static Setting, Effective)>> {
    scope.reaches(db, customer)?;
    SETTINGS.iter().map(|each| Ok((each, effective(db, customer, each.key)?))).collect()
}

/// Sets what `input` names; an empty value goes back to what is inherited.
pub fn update(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let place = super::one(tx, scope, customer)?;
        if matches!(place.state, State::Deleted | State::Purged) {
            return Err(is_in_state(&place));
        }
        let mut fields = Fields::of(input, CHANGE);
        let mut changes = Vec::new();
        for setting in SETTINGS.iter().filter(|setting| input.has(setting.key)) {
            let now = effective(tx, customer, setting.key)?;
            let wanted = fields.value(setting.key);
            if wanted == now.own.as_deref().unwrap_or_default() {
                continue;
            }
            let above = now.inherited_from.as_ref();
            let wrong = setting.complaint(wanted).or_else(|| {
                above.and_then(|(_, name)| setting.too_loose(wanted, &now.inherited, name))
            });
            match wrong.filter(|_| !wanted.is_empty()) {
                Some(wrong) => fields.complaints([Complaint::new(setting.key, wrong)]),
                None => changes.push((setting, now, wanted)),
            }
        }
        fields.finish(|| Some(()))?;
        write(tx, scope, customer, &changes)
    })
}

fn write(
    tx: &Write,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    changes: &[(&'static Setting, Effective, &str)],
) -> Result<()> {
    let mut told = serde_json::Map::new();
    for (setting, was, wanted) in changes {
        store::set(tx, scope, customer, setting.key, wanted)?;
        let old = was.own.as_deref();
        let new = Some(*wanted).filter(|wanted| !wanted.is_empty());
        told.insert(setting.key.to_owned(), json!([old, new]));
    }
    if told.is_empty() {
        return Ok(());
    }
    audit::record(tx, "settings.changed", ("customer", customer.0), customer, &Value::Object(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(values: &[(i64, &str)]) -> Vec<Said> {
        let said = |(id, value): &(i64, &str)| Said {
            customer: CustomerId(*id),
            name: format!("C{id}"),
            value: (*value).to_owned(),
        };
        values.iter().map(said).collect()
    }

    #[test]
    fn a_length_set_above_holds_below_however_it_came_about() {
        let length = Setting::of("password_length").unwrap();
        let at = |values: &[(i64, &str)]| length.effective(&chain(values), CustomerId(3));
        assert_eq!(at(&[]).value, "12");
        assert_eq!(at(&[(1, "10")]).value, "10");
        let tightened = at(&[(1, "14"), (3, "20")]);
        assert_eq!((tightened.value.as_str(), tightened.inherited.as_str()), ("20", "14"));
        let late = at(&[(1, "14"), (3, "12")]);
        assert_eq!((late.value.as_str(), late.own.as_deref()), ("14", Some("12")));
        assert_eq!(late.from.unwrap().1, "C1");
    }

    #[test]
    fn off_is_longer_than_any_age_and_no_cannot_become_yes() {
        let age = Setting::of("password_max_age").unwrap();
        assert!(age.is_looser("off", "90") && age.is_looser("120", "90"));
        assert!(!age.is_looser("60", "90") && !age.is_looser("90", "off"));
        let exempt = Setting::of("never_expires_allowed").unwrap();
        assert_eq!(
            exempt.too_loose("yes", "no", "Tarnholm IT").as_deref(),
            Some("must be no (set by Tarnholm IT)")
        );
        assert!(exempt.too_loose("no", "yes", "x").is_none());
    }

    #[test]
    fn every_default_follows_its_own_rule() {
        for setting in SETTINGS {
            assert_eq!(setting.complaint(setting.default), None, "{}", setting.key);
            assert!(setting.complaint("maybe").is_some(), "{}", setting.key);
        }
        assert!(Setting::of("password_length").unwrap().complaint("07").is_some());
    }
}
