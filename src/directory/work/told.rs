//! What an account says otherwise than we do of the same person.

use super::plan;
use super::store;
use crate::db::Read;
use crate::directory::Flavour;
use crate::drivers::ldap::ad;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::Entry;
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, UserId};
use crate::time::{Instant, Zone};

/// One thing that is said differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub attribute: &'static str,
    /// Our field, as its form has it.
    pub field: &'static str,
    pub ours: String,
    pub theirs: String,
    /// Of a manager: the account that is our one's, whatever it is called now.
    pub object: Option<String>,
}

/// What is read of an account besides the fields of a user.
pub const ALSO: &[&str] = &["manager", "accountExpires"];

/// `accountExpires` for never.
const NEVER: &str = "9223372036854775807";

/// The names by which somebody signs in, and every field that we write.
pub fn differences(
    db: &Read,
    (flavour, connector, zone): (Flavour, ConnectorId, &Zone),
    (customer, user): (CustomerId, UserId),
    entry: &Entry,
) -> Result<Vec<Difference>> {
    let person = store::person(db, customer, user)?;
    let mut all = Vec::new();
    let mut compare = |attribute, field, ours: &str, theirs: &str| {
        let (ours, theirs) = (ours.trim(), theirs.trim());
        let same = match field {
            "mail" | "upn" | "username" => ours.to_lowercase() == theirs.to_lowercase(),
            _ => ours == theirs,
        };
        if !same {
            let (ours, theirs) = (ours.to_owned(), theirs.to_owned());
            all.push(Difference { attribute, field, ours, theirs, object: None });
        }
    };
    if flavour == Flavour::Ad {
        for (attribute, field, ours) in [
            ("sAMAccountName", "username", &person.username),
            ("userPrincipalName", "upn", &person.upn),
        ] {
            // What we do not know is no wish of ours.
            if !ours.is_empty() {
                compare(attribute, field, ours, &entry.text(attribute));
            }
        }
        for (field, attribute, most) in ad::ATTRIBUTES {
            let ours = person.field(field);
            if ours.chars().count() <= *most {
                compare(attribute, field, ours, &entry.text(attribute));
            }
        }
        let ours = plan::expires(person.ends_at);
        let theirs = entry.text("accountExpires");
        compare("accountExpires", "expires_on", &day(&ours, zone), &day(&theirs, zone));
    } else {
        for (field, attribute) in super::fields::OPEN {
            let ours = match (*field, person.field(field)) {
                // The directory wants one.
                ("last_name", "") => &person.display_name,
                (_, ours) => ours,
            };
            compare(attribute, field, ours, &entry.text(attribute));
        }
    }
    let (ours, object) = match person.manager {
        Some(manager) => match store::bound_user(db, connector, manager)? {
            Some(object) => {
                let known = store::of_object(db, connector, &object)?;
                (known.map(|known| known.dn).unwrap_or_default(), Some(object))
            }
            // A manager without an account cannot be said there.
            None => return Ok(all),
        },
        None => (String::new(), None),
    };
    let theirs = entry.text("manager");
    if Dn::parse(&ours).ok() != Dn::parse(&theirs).ok() {
        all.push(Difference { attribute: "manager", field: "manager", ours, theirs, object });
    }
    Ok(all)
}

/// The last day on which an account can be used; nothing where it never ends.
fn day(ticks: &str, zone: &Zone) -> String {
    match ticks.parse::<i64>() {
        Ok(ticks) if ticks > 0 && ticks.to_string() != NEVER => {
            let unix = ticks.div_euclid(10_000_000).saturating_sub(11_644_473_600);
            Instant::from_unix(unix.saturating_sub(1)).day(zone).to_string()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_the_day_before_the_first_one_that_is_over() {
        let utc = Zone::utc();
        assert_eq!(day("0", &utc), "");
        assert_eq!(day("", &utc), "");
        assert_eq!(day(NEVER, &utc), "");
        assert_eq!(day(&plan::expires(Some(86_400)), &utc), "1970-01-01");
    }
}
