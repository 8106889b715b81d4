//! Custom properties: what a customer wants to know of itself, of those below it or of their users.
//!
//! A key means one thing along a line of customers; where a move brought two of a key together, the
//! nearest one holds. What nobody may see is as unknown as what is not there.

pub mod api;
pub mod define;
pub mod form;
pub mod pages;
pub mod values;
mod store;

use crate::auth::permissions::{CustomersUpdate, PropertiesDefine, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomPropertyId, CustomerId, UserId};
use crate::kinds::{Type, Validation};
use crate::time::Instant;

words! {
    /// What has it.
    Subject { Customer = "customer", User = "user" }
}

words! {
    /// Where it holds, seen from whoever defined it.
    Reach { Own = "self", Below = "below", Both = "both" }
}

words! {
    /// Who sees it, each with all those before it; the last lets users change their own.
    SeenBy { Above = "above", Administrators = "administrators", User = "user", Edited = "edited" }
}

/// How whoever asks stands to what has the property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Staff of a customer above it.
    Above,
    /// Its own people who may change it.
    Administrator,
    /// The user it is about.
    Oneself,
    /// Everybody else who may look at it.
    Reader,
}

#[derive(Clone, Debug)]
pub struct Property {
    pub id: CustomPropertyId,
    /// Who defined it.
    pub customer: CustomerId,
    pub owner: String,
    pub subject: Subject,
    pub key: String,
    pub label: String,
    pub help: String,
    pub category: String,
    pub sort: i64,
    pub reach: Reach,
    pub kind: Type,
    pub validation: Validation,
    pub required: bool,
    pub seen_by: SeenBy,
    pub archived_at: Option<Instant>,
}

/// What has values: a customer, or a user of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub customer: CustomerId,
    pub subject: Subject,
    /// None for a customer.
    pub user: Option<UserId>,
    /// It is not there yet: a user of the customer, or a customer below it.
    new: bool,
}

impl Holder {
    pub fn customer(customer: CustomerId) -> Holder {
        Holder { customer, subject: Subject::Customer, user: None, new: false }
    }

    pub fn user(customer: CustomerId, user: UserId) -> Holder {
        Holder { customer, subject: Subject::User, user: Some(user), new: false }
    }

    pub fn new_user(customer: CustomerId) -> Holder {
        Holder { customer, subject: Subject::User, user: None, new: true }
    }

    pub fn new_customer(parent: CustomerId) -> Holder {
        Holder { customer: parent, subject: Subject::Customer, user: None, new: true }
    }

    /// How many steps below its customer it will stand.
    fn steps(&self) -> i64 {
        i64::from(self.new && self.subject == Subject::Customer)
    }
}

impl Standing {
    /// How the actor stands to the holder.
    pub fn of(db: &Read, actor: &Actor, holder: &Holder) -> Result<Standing> {
        let at = holder.customer;
        let above = match holder.subject {
            Subject::Customer => above::<CustomersUpdate>(db, actor, at)?,
            Subject::User => above::<UsersUpdate>(db, actor, at)?,
        };
        let changes = match holder.subject {
            Subject::Customer => actor.reaches::<CustomersUpdate>(db, at),
            Subject::User => actor.reaches::<UsersUpdate>(db, at),
        };
        Ok(match (above || store::stands_above(db, actor.user, at)?, changes) {
            (true, _) => Standing::Above,
            (_, true) => Standing::Administrator,
            _ if holder.user == Some(actor.user) => Standing::Oneself,
            _ => Standing::Reader,
        })
    }
}

fn above<P: Permission>(db: &Read, actor: &Actor, customer: CustomerId) -> Result<bool> {
    match actor.scope::<P>() {
        Ok(scope) => {
            Ok(super::is_above(db, &scope, customer)? && scope.reaches(db, customer).is_ok())
        }
        Err(_) => Ok(false),
    }
}

impl Property {
    pub fn seen_from(&self, standing: Standing) -> bool {
        match standing {
            Standing::Above => true,
            Standing::Administrator => self.seen_by >= SeenBy::Administrators,
            Standing::Oneself => self.seen_by >= SeenBy::User,
            Standing::Reader => self.subject == Subject::Customer && self.seen_by > SeenBy::Above,
        }
    }

    /// Whether it can be changed from there, by those who may change its holder at all.
    pub fn changed_from(&self, standing: Standing) -> bool {
        match standing {
            _ if self.archived_at.is_some() => false,
            Standing::Above => true,
            Standing::Administrator => self.seen_by >= SeenBy::Administrators,
            Standing::Oneself => self.seen_by == SeenBy::Edited,
            Standing::Reader => false,
        }
    }

    /// The name of its field in forms and in JSON.
    pub fn field(&self) -> String {
        format!("{FIELD}.{}", self.key)
    }
}

/// The object that values are in.
pub const FIELD: &str = "properties";

/// What holds for it, in the order of forms: archived ones too.
pub fn holding(db: &Read, holder: &Holder) -> Result<Vec<Property>> {
    Ok(store::kept(db, holder)?.into_iter().map(|kept| kept.property).collect())
}

/// What holds and is not archived, as somebody in that standing changes it.
pub fn open_to(db: &Read, standing: Standing, holder: &Holder) -> Result<Vec<Property>> {
    let mut all = holding(db, holder)?;
    all.retain(|property| property.changed_from(standing));
    Ok(all)
}

/// What a customer defined itself, and what reaches it from above.
pub fn defined(
    db: &Read,
    scope: &Scope<PropertiesDefine>,
    customer: CustomerId,
) -> Result<(Vec<Property>, Vec<Property>)> {
    scope.reaches(db, customer)?;
    let own = store::own(db, customer)?;
    let mut above = Vec::new();
    for holder in [Holder::customer(customer), Holder::new_user(customer)] {
        let all = holding(db, &holder)?.into_iter();
        above.extend(all.filter(|each| each.customer != customer && each.archived_at.is_none()));
    }
    Ok((own, above))
}

/// One that a customer defined.
pub fn one(
    db: &Read,
    scope: &Scope<PropertiesDefine>,
    customer: CustomerId,
    key: &str,
) -> Result<Property> {
    scope.reaches(db, customer)?;
    let all = store::own(db, customer)?;
    all.into_iter().find(|property| property.key == key).ok_or(Error::NotFound)
}

/// What a customer defined for users, here or below.
pub fn own_of_users(db: &Read, customer: CustomerId) -> Result<Vec<Property>> {
    let mut all = store::own(db, customer)?;
    all.retain(|property| property.subject == Subject::User);
    Ok(all)
}

/// The keys of what customers in scope may have, as far as they are seen from it.
pub fn keys<P>(db: &Read, scope: &Scope<P>, home: CustomerId) -> Result<Vec<String>> {
    store::keys(db, scope, home)
}

/// How many have a value of it.
pub fn uses(db: &Read, id: CustomPropertyId) -> Result<i64> {
    store::uses(db, id)
}
