//! What a column can be about. A field's word is the users table's column where there is one, and
//! its label is the heading that our own files carry.

use std::fmt;
use std::str::FromStr;

macro_rules! fields {
    ($($(#[$meta:meta])* $variant:ident = $word:literal, $label:literal;)+) => {
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$meta])* $variant,)+
            /// A user service by the code of the service; the cell names the plan.
            Service { code: String, instance: Option<String> },
            /// A custom property by its key.
            Custom(String),
        }

        impl Field {
            /// All but services and custom properties, in the order of our own files.
            pub const PLAIN: &[Field] = &[$(Field::$variant),+];

            /// The heading in our own files.
            pub fn label(&self) -> String {
                match self {
                    $(Field::$variant => $label.to_owned(),)+
                    Field::Service { .. } | Field::Custom(_) => self.to_string(),
                }
            }
        }

        impl fmt::Display for Field {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Field::$variant => f.write_str($word),)+
                    Field::Service { code, instance: None } => write!(f, "service:{code}"),
                    Field::Service { code, instance: Some(name) } => {
                        write!(f, "service:{code}/{name}")
                    }
                    Field::Custom(key) => write!(f, "custom:{key}"),
                }
            }
        }

        pub(super) const LABELS: &[&str] = &[$($label),+];

        fn plain(word: &str) -> Option<Field> {
            match word { $($word => Some(Field::$variant),)+ _ => None }
        }
    };
}

fields! {
    PorticoId = "portico_id", "Portico ID";
    /// The customer by code or name.
    Site = "site", "Site";
    Upn = "upn", "UPN";
    NewUpn = "new_upn", "NewUPN";
    Username = "username", "Username";
    FirstName = "first_name", "First Name";
    LastName = "last_name", "Last Name";
    DisplayName = "display_name", "Display Name";
    Email = "mail", "Email";
    /// A list, see `Cell::list`.
    ExternalEmails = "external_emails", "External Emails";
    RecoveryEmail = "recovery_email", "Recovery Email";
    /// A list of further addresses; one marked `SMTP:` has become the e-mail.
    Addresses = "addresses", "Addresses";
    JobTitle = "job_title", "Job Title";
    Department = "department", "Department";
    Location = "location", "Location";
    Office = "office", "Office";
    Company = "company", "Company";
    Phone = "phone", "Phone";
    Mobile = "mobile", "Mobile Phone";
    HomePhone = "home_phone", "Home Phone";
    Fax = "fax", "Fax";
    Pager = "pager", "Pager";
    IpPhone = "ip_phone", "IP Phone";
    Street = "street", "Street";
    PoBox = "po_box", "PO Box";
    City = "city", "City";
    Region = "region", "State";
    Postcode = "postcode", "Postcode";
    /// Two letters, as ISO 3166 has them.
    Country = "country", "Country";
    UsageLocation = "usage_location", "Usage Location";
    Language = "language", "Language";
    EmployeeId = "employee_id", "Employee ID";
    EmployeeType = "employee_type", "Employee Type";
    CostCentre = "cost_centre", "Cost Centre";
    /// As written; `Reference::of` tells what kind of name it is.
    Manager = "manager", "Manager";
    /// `yes` or `no`, as the four flags below.
    Enabled = "enabled", "Enabled";
    /// `2026-01-31`.
    ExpiresOn = "expires_on", "Expires On";
    MustChange = "must_change", "Must Change Password";
    MainContact = "main_contact", "Main Contact";
    TicketsByMail = "tickets_by_mail", "Tickets By Mail";
    TestUser = "test_user", "Test User";
    Description = "description", "Description";
    Notes = "notes", "Notes";
    WebPage = "web_page", "Web Page";
    Template = "template", "Template";
    /// A list of role names.
    Roles = "roles", "Roles";
    /// A GUID in small letters.
    ObjectId = "object_id", "Object Id";
}

impl Field {
    /// Several columns may add to it, and a cell may hold several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Field::ExternalEmails | Field::Addresses | Field::Roles)
    }

    pub(super) fn is_number_text(&self) -> bool {
        matches!(
            self,
            Field::Phone
                | Field::Mobile
                | Field::HomePhone
                | Field::Fax
                | Field::Pager
                | Field::IpPhone
                | Field::EmployeeId
        )
    }

    pub(super) fn is_flag(&self) -> bool {
        matches!(
            self,
            Field::Enabled
                | Field::MustChange
                | Field::MainContact
                | Field::TicketsByMail
                | Field::TestUser
        )
    }
}

impl FromStr for Field {
    type Err = ();
    fn from_str(text: &str) -> Result<Field, ()> {
        let text = text.trim();
        let prefixed = |prefix: &str| {
            let head = text.get(..prefix.len())?;
            let tail = text.get(prefix.len()..)?.trim();
            (head.eq_ignore_ascii_case(prefix) && !tail.is_empty()).then(|| tail.to_owned())
        };
        if let Some(key) = prefixed("custom:") {
            return Ok(Field::Custom(key));
        }
        if let Some(service) = prefixed("service:") {
            let (code, instance) = match service.split_once('/') {
                Some((code, name)) => (code.trim(), Some(name.trim().to_owned())),
                None => (service.as_str(), None),
            };
            if code.is_empty() || instance.as_deref() == Some("") {
                return Err(());
            }
            return Ok(Field::Service { code: code.to_owned(), instance });
        }
        plain(text).ok_or(())
    }
}

impl serde::Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
        word.parse().map_err(|()| serde::de::Error::custom("not a field"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_written_and_read_back() {
        for field in Field::PLAIN {
            assert_eq!(field.to_string().parse::<Field>().as_ref(), Ok(field));
        }
        for text in ["service:MAIL", "service:VM/db one", "custom:badge"] {
            assert_eq!(text.parse::<Field>().unwrap().to_string(), text);
        }
        for text in ["service:", "service:/x", "service:VM/", "custom: ", "state"] {
            assert_eq!(text.parse::<Field>(), Err(()), "{text}");
        }
    }
}
