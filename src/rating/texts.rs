//! What is printed for an item and for its line.

use crate::rating::presence::Key;
use crate::rating::{Catalogue, Charge, Kind, Person};

/// What the texts are made of.
pub(super) struct Named<'a> {
    pub catalogue: &'a Catalogue,
    pub customer: &'a str,
    pub person: Option<&'a Person>,
    pub key: &'a Key<'a>,
    pub charge: Charge,
    pub label: &'a str,
}

/// The text of the line an item is counted on.
pub(super) fn summary(named: &Named<'_>) -> String {
    let text = match named.key.kind {
        Kind::Customer => "Customers".to_owned(),
        Kind::User => "Users".to_owned(),
        Kind::Domain => "Domain names".to_owned(),
        Kind::CustomerService | Kind::UserService => named.product(),
    };
    named.with_charge(text)
}

/// The text of the item itself.
pub(super) fn line(named: &Named<'_>) -> String {
    let text = match named.key.kind {
        Kind::Customer => named.customer.to_owned(),
        Kind::User => named.user(),
        Kind::Domain => named.key.instance.unwrap_or_default().to_owned(),
        Kind::CustomerService => named.product(),
        Kind::UserService => format!("{}: {}", named.user(), named.product()),
    };
    named.with_charge(text)
}

impl Named<'_> {
    /// `Mail, Basic`; codes where a name is gone.
    fn product(&self) -> String {
        let code = self.key.service.unwrap_or_default();
        let service = self.catalogue.services.get(code).map_or(code, |service| &service.name);
        match self.key.plan {
            Some(code) => {
                let plan = self.catalogue.plan(self.key.service, self.key.plan);
                format!("{service}, {}", plan.map_or(code, |plan| &plan.name))
            }
            None => service.to_owned(),
        }
    }

    fn user(&self) -> String {
        match (self.person, self.key.user_id) {
            (Some(person), _) => person.name.clone(),
            (None, Some(id)) => format!("User {id}"),
            (None, None) => String::new(),
        }
    }

    fn with_charge(&self, text: String) -> String {
        match (self.charge, self.label) {
            (Charge::Recurring, _) => text,
            (Charge::Setup, "") => format!("{text} – Set-up"),
            (Charge::Setup, label) => format!("{text} – {label}"),
        }
    }
}
