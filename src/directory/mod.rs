//! Directories as places: which part of which directory is ours, where customers live, and the work
//! that is done there. An account is known by the id that the directory never changes.

pub mod api;
pub mod environments;
pub mod locations;
pub mod pages;
pub mod work;
mod store;

use crate::connectors::Stage;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, EnvironmentId, PlaceId, UserId};

words! {
    /// What a directory is made by.
    Flavour { Ad = "ad", OpenLdap = "openldap" }
}

words! {
    /// What an object of a directory is.
    Class { User = "user", Group = "group", Ou = "ou" }
}

words! {
    /// With others, each in an OU of its own; alone; or in no directory.
    LocationKind { Shared = "shared", Private = "private", None = "none" }
}

words! {
    /// What becomes of fields of accounts that others changed there.
    OnDrift { Report = "report", Repair = "repair" }
}

words! {
    /// How an account of OpenLDAP is disabled: by a password that nobody knows, by a lock of its
    /// password policy, or by an attribute that those look at who let people in.
    Disabling { Password = "password", Lock = "lock", Attribute = "attribute" }
}

/// One directory: a part of a tree, reached through a connector.
pub struct Environment {
    pub id: EnvironmentId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub connector: ConnectorId,
    pub connector_name: String,
    pub stage: Stage,
    pub name: String,
    pub flavour: Flavour,
    pub base: String,
    pub zone: String,
    /// What we make there says whose it is.
    pub marked: bool,
    pub drift: OnDrift,
    /// Of OpenLDAP alone.
    pub disabling: Disabling,
    /// `name=value`, where an attribute says that an account is disabled.
    pub disable_attribute: String,
    /// Whether a lock was shown to keep people out; none before it was tried.
    pub lock_holds: Option<bool>,
    pub version: i64,
    pub locations: i64,
    pub inhabitants: i64,
}

/// Where customers may live.
pub struct Location {
    pub id: PlaceId,
    pub name: String,
    pub kind: LocationKind,
    pub environment: Option<EnvironmentId>,
    pub environment_name: String,
    /// Shared: the OU with the customers' OUs. Private: the OU with the users.
    pub root: String,
    pub version: i64,
    pub inhabitants: i64,
}

/// A customer who lives somewhere.
pub struct Inhabited {
    pub id: CustomerId,
    pub name: String,
}

/// Where one customer lives, and what keeps it there.
pub struct Residence {
    pub location: Option<PlaceId>,
    pub name: String,
    pub environment: String,
    /// Services of the customer that work there.
    pub held: String,
    /// Objects that are its there.
    pub bound: i64,
}

impl Residence {
    /// Why it cannot move, if so.
    pub fn kept(&self) -> Option<String> {
        if !self.held.is_empty() {
            return Some(format!("holds {}", self.held));
        }
        (self.bound > 0)
            .then(|| "has accounts, groups or OUs in the directory it lives in".to_owned())
    }
}

/// The connector of the directory that a customer lives in.
pub fn connector_of(db: &Read, customer: CustomerId) -> Result<Option<ConnectorId>> {
    Ok(store::home(db, customer)?.map(|home| home.connector))
}

/// The directory that takes over what the user chooses as a password, by its name.
pub fn keeper(db: &Read, customer: CustomerId, user: UserId) -> Result<Option<String>> {
    store::keeper(db, customer, user)
}

/// The directory that a customer lives in, as rules name it.
pub struct Surroundings {
    pub connector: ConnectorId,
    pub name: String,
    pub flavour: Flavour,
    pub base: String,
    /// None before it is made.
    pub customer_ou: Option<String>,
}

pub fn surroundings(db: &Read, customer: CustomerId) -> Result<Option<Surroundings>> {
    store::surroundings(db, customer)
}

/// The name of the OU that the customer's objects lie in, if there is one.
pub fn customer_ou(db: &Read, customer: CustomerId) -> Result<Option<String>> {
    Ok(store::surroundings(db, customer)?.and_then(|home| home.customer_ou))
}

/// An object of ours lies there from now on, and what lies below it goes along.
pub fn lies_at(tx: &Write, connector: ConnectorId, object: &str, dn: &str) -> Result<()> {
    if let Some(known) = store::of_object(tx, connector, object)? {
        store::rebase(tx, connector, (&known.dn, dn))?;
    }
    store::lies_at(tx, connector, object, dn)
}

impl Flavour {
    pub fn said(self) -> &'static str {
        match self {
            Flavour::Ad => "Active Directory",
            Flavour::OpenLdap => "OpenLDAP",
        }
    }
}

impl LocationKind {
    pub fn said(self) -> &'static str {
        match self {
            LocationKind::Shared => "Shared",
            LocationKind::Private => "Private",
            LocationKind::None => "No directory",
        }
    }
}
