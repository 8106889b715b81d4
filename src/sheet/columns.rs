//! What each heading means. Headings compare without case, blanks, punctuation and what is in
//! brackets; where two give the same field, the one further left in `NAMES` is taken.

use super::field::Field;
use super::{Options, Refusal};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a column's cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    Field(Field),
    /// Yes means no, as in "Block credential".
    Reversed(Field),
    /// A UPN or a username: its cells tell.
    UserName,
    /// The name of the object in a directory, for managers that are named so.
    DistinguishedName,
    /// These three only tell which rows to skip.
    ObjectClass,
    UserType,
    SoftDeleted,
    /// Dropped at once, wherever the file goes.
    Password,
    /// Known, and of no use here.
    Known,
    Unknown,
    /// Another column gives the same field.
    Doubled,
    /// No heading.
    Nameless,
}

/// One column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub heading: String,
    pub used: Use,
}

impl Column {
    pub fn field(&self) -> Option<&Field> {
        match &self.used {
            Use::Field(field) | Use::Reversed(field) => Some(field),
            _ => None,
        }
    }
}

/// Ours first, then what other programs write, the likelier one first.
#[rustfmt::skip]
const NAMES: &[(Field, &[&str])] = &[
    (Field::PorticoId, &["Portico ID"]),
    (Field::Site, &["Site", "Customer", "Customer Name", "Customer Code", "Site Name"]),
    (Field::Upn, &["UPN", "User principal name"]),
    (Field::NewUpn, &["NewUPN", "New Primary Email"]),
    (Field::Username, &["Username", "SamAccountName"]),
    (Field::FirstName, &["First Name", "GivenName", "First Names", "Forename", "Vorname"]),
    (Field::LastName, &["Last Name", "Surname", "sn", "Family Name", "Nachname"]),
    (Field::DisplayName, &["Display Name", "Name", "Full Name", "cn"]),
    (Field::Email, &["Email", "Email Address", "mail", "Primary email", "PrimarySmtpAddress"]),
    (Field::ExternalEmails, &["External Emails", "External Email", "Additional emails", "Home Secondary Email",
        "Work Secondary Email"]),
    (Field::RecoveryEmail, &["Recovery Email", "Alternate email address", "Alternate email addresses", "otherMails"]),
    (Field::Addresses, &["Addresses", "Proxy addresses", "Aliases"]),
    (Field::JobTitle, &["Job Title", "Title", "Employee Title", "Position"]),
    (Field::Department, &["Department"]),
    (Field::Location, &["Location"]),
    (Field::Office, &["Office", "Office Number", "officeLocation", "physicalDeliveryOfficeName"]),
    (Field::Company, &["Company", "companyName"]),
    (Field::Phone, &["Phone", "Office Phone", "Phone number", "telephoneNumber", "Work Phone"]),
    (Field::Mobile, &["Mobile Phone", "mobile"]),
    (Field::HomePhone, &["Home Phone"]),
    (Field::Fax, &["Fax", "facsimileTelephoneNumber"]),
    (Field::Pager, &["Pager"]),
    (Field::IpPhone, &["IP Phone"]),
    (Field::Street, &["Street", "Address", "Street address", "Work Address"]),
    (Field::PoBox, &["PO Box"]),
    (Field::City, &["City", "l"]),
    (Field::Region, &["State", "State or Province", "st"]),
    (Field::Postcode, &["Postcode", "ZIP or Postal Code", "Postal code"]),
    (Field::Country, &["Country", "Country or Region", "Country/Region", "co", "c"]),
    (Field::UsageLocation, &["Usage Location"]),
    (Field::Language, &["Language", "Preferred language"]),
    (Field::EmployeeId, &["Employee ID", "EmployeeNumber"]),
    (Field::EmployeeType, &["Employee Type"]),
    (Field::CostCentre, &["Cost Centre", "Cost Center"]),
    (Field::Manager, &["Manager", "Manager Email"]),
    (Field::Enabled, &["Enabled", "accountEnabled", "Block credential", "Status", "New Status", "Archived"]),
    (Field::ExpiresOn, &["Expires On", "AccountExpirationDate", "accountExpires"]),
    (Field::MustChange, &["Must Change Password", "Change Password at Next Sign-In"]),
    (Field::MainContact, &["Main Contact", "Main site user"]),
    (Field::TicketsByMail, &["Tickets By Mail", "Disable automatic ticket creation"]),
    (Field::TestUser, &["Test User"]),
    (Field::Description, &["Description"]),
    (Field::Notes, &["Notes", "info"]),
    (Field::WebPage, &["Web Page", "HomePage"]),
    (Field::Template, &["Template"]),
    (Field::Roles, &["Roles", "Roles 2", "Roles 3", "Roles 4"]),
    (Field::ObjectId, &["Object Id", "id", "ObjectGUID"]),
];

const REVERSED: &[&str] = &["Block credential", "Archived", "Disable automatic ticket creation"];

const PASSWORDS: &[&str] = &[
    "Password",
    "Password Hash Function",
    "New Password",
    "Initial Password",
    "Temporary Password",
    "Passwort",
    "Kennwort",
];

/// Left out, with one notice for all of them.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "Org Unit Path", "Licenses", "License assignment details", "New Licenses", "DirSyncEnabled", "directorySynced",
    "Last dirsync time", "Last password change time stamp", "Password never expires", "Strong password required",
    "When created", "createdDateTime", "Preferred data location", "Release track", "Oath token meta data", "AgeGroup",
    "consentProvidedForMinor", "legalAgeGroupClassification", "creationType", "invitationState", "identityIssuer",
    "SID", "Recovery Phone", "Building ID", "Floor Name", "Floor Section", "Last Sign In",
];
const KNOWN_STARTS: &[&str] = &["authentication", "storage", "2sv", "advancedprotection"];
const KNOWN_ENDS: &[&str] = &["usage"];

/// A heading as it compares: small letters and digits, nothing in brackets.
pub(super) fn fold(heading: &str) -> String {
    let mut depth = 0_u32;
    let mut folded = String::new();
    for letter in heading.chars() {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && letter.is_alphanumeric() => folded.extend(letter.to_lowercase()),
            _ => {}
        }
    }
    folded
}

/// Finds each heading's use, and says what is left out. Refuses a file in which nothing names a
/// user.
pub(super) fn recognise(
    headings: &[String],
    options: &Options,
) -> Result<(Vec<Column>, Vec<String>), Refusal> {
    let table = Table::new(options);
    let found: Vec<(Use, usize)> = headings.iter().map(|heading| table.find(heading)).collect();
    // The best column of each field, by its place in the table and then in the file.
    let mut best: BTreeMap<&Field, (usize, usize)> = BTreeMap::new();
    for (at, (used, place)) in found.iter().enumerate() {
        if let Use::Field(field) | Use::Reversed(field) = used {
            let first = best.entry(field).or_insert((*place, at));
            *first = (*first).min((*place, at));
        }
    }
    let mut seen: BTreeSet<&'static str> = BTreeSet::new();
    let (mut columns, mut notices, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (heading, (used, _))) in headings.iter().zip(&found).enumerate() {
        let heading = heading.trim().to_owned();
        let mut used = used.clone();
        match &used {
            Use::Field(field) | Use::Reversed(field) => {
                let winner = best.get(field).map_or(at, |(_, winner)| *winner);
                if winner != at && !field.is_list() {
                    let other = headings.get(winner).map_or("", |h| h.trim());
                    notices
                        .push(format!("‘{heading}’ is not used: ‘{other}’ gives the same field"));
                    used = Use::Doubled;
                }
            }
            Use::Unknown => notices.push(format!("‘{heading}’ is not used")),
            Use::Known => known.push(format!("‘{heading}’")),
            Use::Nameless | Use::Password | Use::Doubled => {}
            special => {
                if !seen.insert(single(special)) {
                    notices.push(format!("‘{heading}’ is not used: it is there twice"));
                    used = Use::Doubled;
                }
            }
        }
        columns.push(Column { heading, used });
    }
    if !known.is_empty() {
        let verb = if known.len() == 1 { "is" } else { "are" };
        notices.push(format!("{} {verb} known and not used", known.join(", ")));
    }
    if !columns.iter().any(names_somebody) {
        return Err(Refusal::new(format!(
            "has no column for the user's name. Found: {}",
            listed(headings)
        )));
    }
    Ok((columns, notices))
}

fn single(used: &Use) -> &'static str {
    match used {
        Use::UserName => "user name",
        Use::DistinguishedName => "distinguished name",
        Use::ObjectClass => "class",
        Use::UserType => "type",
        Use::SoftDeleted => "deleted",
        _ => "",
    }
}

fn names_somebody(column: &Column) -> bool {
    match &column.used {
        Use::UserName => true,
        Use::Field(field) => matches!(
            field,
            Field::PorticoId
                | Field::ObjectId
                | Field::Upn
                | Field::Username
                | Field::FirstName
                | Field::LastName
                | Field::DisplayName
                | Field::Email
        ),
        _ => false,
    }
}

/// Which headings are of passwords.
pub fn secrets(headings: &[String], options: &Options) -> Vec<bool> {
    let table = Table::new(options);
    headings.iter().map(|heading| table.find(heading).0 == Use::Password).collect()
}

/// Whether a row that names a password is one of headings: it names something else that is known.
pub fn are_headings(cells: &[String], options: &Options) -> bool {
    let table = Table::new(options);
    let known = |cell: &&String| !matches!(table.find(cell).0, Use::Unknown | Use::Nameless);
    cells.iter().filter(known).count() > 1
}

/// The headings as one sentence can hold them.
fn listed(headings: &[String]) -> String {
    const MOST: usize = 40;
    let named: Vec<&str> = headings.iter().map(|h| h.trim()).filter(|h| !h.is_empty()).collect();
    let mut text: String = named.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if let Some((end, _)) = text.char_indices().nth(1_000) {
        text.truncate(end);
        text.push('…');
    } else if named.len() > MOST {
        text.push_str(&format!(" and {} more", named.len() - MOST));
    }
    text
}

/// Every known heading, folded, and its place among those of the same field.
struct Table {
    by_hand: BTreeMap<String, Field>,
    properties: BTreeMap<String, String>,
    known: BTreeMap<String, (Use, usize)>,
}

impl Table {
    fn new(options: &Options) -> Table {
        let mut known = BTreeMap::new();
        for name in KNOWN {
            known.insert(fold(name), (Use::Known, 0));
        }
        for name in PASSWORDS {
            known.insert(fold(name), (Use::Password, 0));
        }
        for (name, used) in [
            ("User Name", Use::UserName),
            ("DistinguishedName", Use::DistinguishedName),
            ("ObjectClass", Use::ObjectClass),
            ("User type", Use::UserType),
            ("Soft deletion time stamp", Use::SoftDeleted),
        ] {
            known.insert(fold(name), (used, 0));
        }
        for (field, names) in NAMES {
            for (place, name) in names.iter().enumerate() {
                let used = match REVERSED.contains(name) {
                    true => Use::Reversed(field.clone()),
                    false => Use::Field(field.clone()),
                };
                // "Username" and "User Name" fold to the same: see `find`.
                known.entry(fold(name)).or_insert((used, place + 1));
            }
        }
        let folded = |(heading, to): (&String, &String)| (fold(heading), to.clone());
        Table {
            by_hand: options.mapping.iter().map(|(h, field)| (fold(h), field.clone())).collect(),
            properties: options.properties.iter().map(folded).collect(),
            known,
        }
    }

    fn find(&self, heading: &str) -> (Use, usize) {
        let folded = fold(heading);
        if folded.is_empty() {
            return match heading.trim().is_empty() {
                true => (Use::Nameless, 0),
                false => (Use::Unknown, 0),
            };
        }
        let known = self.known.get(&folded);
        if matches!(known, Some((Use::Password, _))) {
            return (Use::Password, 0);
        }
        if let Some(field) = self.by_hand.get(&folded) {
            return match known {
                Some((Use::Reversed(usual), _)) if usual == field => {
                    (Use::Reversed(field.clone()), 0)
                }
                _ => (Use::Field(field.clone()), 0),
            };
        }
        if heading.contains(':')
            && let Ok(field @ (Field::Service { .. } | Field::Custom(_))) = heading.parse()
        {
            return (Use::Field(field), 0);
        }
        if let Some((used, place)) = known {
            return (used.clone(), *place);
        }
        if let Some(key) = self.properties.get(&folded) {
            return (Use::Field(Field::Custom(key.clone())), 1);
        }
        let known = KNOWN_STARTS.iter().any(|start| folded.starts_with(start))
            || KNOWN_ENDS.iter().any(|end| folded.ends_with(end));
        (if known { Use::Known } else { Use::Unknown }, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::TEMPLATE_HEADINGS;

    fn uses(headings: &[&str]) -> (Vec<Use>, Vec<String>) {
        let headings: Vec<String> = headings.iter().map(|h| (*h).to_owned()).collect();
        let (columns, notices) = recognise(&headings, &Options::default()).unwrap();
        (columns.into_iter().map(|c| c.used).collect(), notices)
    }

    #[test]
    fn headings_compare_by_their_letters() {
        assert_eq!(fold("New Status [UPLOAD ONLY]"), "newstatus");
        assert_eq!(fold("Country/Region (name)"), "countryregion");
        assert_eq!(fold("E-Mail_Address "), "emailaddress");
        assert_eq!(fold("Straße"), "straße");
    }

    #[test]
    fn every_heading_of_ours_is_its_own_field() {
        let (found, notices) = uses(TEMPLATE_HEADINGS);
        for (field, used) in Field::PLAIN.iter().zip(&found) {
            match field {
                Field::Username => assert_eq!(*used, Use::UserName),
                field => assert_eq!(*used, Use::Field(field.clone())),
            }
        }
        assert_eq!(notices, Vec::<String>::new());
    }

    #[test]
    fn the_earlier_name_wins_wherever_it_stands() {
        let (found, notices) = uses(&["mail", "Name", "Email Address", "cn"]);
        assert_eq!(found[0], Use::Doubled);
        assert_eq!(found[2], Use::Field(Field::Email));
        assert_eq!(found[3], Use::Doubled);
        assert_eq!(notices[0], "‘mail’ is not used: ‘Email Address’ gives the same field");
    }

    #[test]
    fn what_has_no_use_is_said() {
        let (found, notices) =
            uses(&["UPN", "Shoe size", "SID", "Password", "2sv Enrolled", "Drive Usage", ""]);
        assert_eq!(found[3], Use::Password);
        assert_eq!(found[6], Use::Nameless);
        let want = [
            "‘Shoe size’ is not used",
            "‘SID’, ‘2sv Enrolled’, ‘Drive Usage’ are known and not used",
        ];
        assert_eq!(notices, want);
    }

    #[test]
    fn a_heading_pointed_at_by_hand_goes_first() {
        let mut options = Options::default();
        options.mapping.insert("Anmeldename".into(), Field::Upn);
        options.properties.insert("Badge number".into(), "badge".into());
        let headings = ["Anmeldename".to_owned(), "badge NUMBER".into(), "custom:x".into()];
        let (columns, _) = recognise(&headings, &options).unwrap();
        let want = [Field::Upn, Field::Custom("badge".into()), Field::Custom("x".into())];
        assert!(columns.iter().zip(&want).all(|(column, want)| column.field() == Some(want)));
    }

    #[test]
    fn a_file_without_names_is_refused_with_what_it_has() {
        let headings = ["Phone".to_owned(), "Colour".into()];
        let refusal = recognise(&headings, &Options::default()).unwrap_err();
        let want = "has no column for the user's name. Found: Phone, Colour";
        assert_eq!(refusal.to_string(), want);
    }
}
