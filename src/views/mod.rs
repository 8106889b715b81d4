//! Saved views: a list as somebody narrowed it, kept under a name, for oneself or for everybody of
//! one's customer. A view holds filters and never a row: whoever opens it sees what they may see.

pub mod shown;
pub mod told;
mod store;

use crate::audit;
use crate::auth::Actor;
use crate::auth::permissions::CustomersUpdate;
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::ViewId;
use crate::input::{Field, Fields, Input};
use serde_json::json;

words! {
    /// What a view is of.
    List { Customers = "customers", Users = "users" }
}

/// Whether the filters of a list are said so that it understands them.
pub type Check<'c> = &'c dyn Fn(&Input) -> Result<()>;

pub const SAVE: &[Field] = &[
    Field::text("name", "1 to 60 characters; an own view of that name is replaced").required(),
    Field::text("query", "filters as in the address of the list: state=active&badge=locked")
        .required(),
    Field::boolean("shared", "true: everybody of one’s own customer sees it"),
];

/// A view as whoever asks sees it.
pub struct View {
    pub id: ViewId,
    pub name: String,
    pub query: String,
    pub shared: bool,
    pub own: bool,
    /// Who saved it.
    pub by: String,
}

/// Views that somebody may have of their own of one list.
const MOST: i64 = 50;

/// What is no filter in the address of a list.
const PASSING: [&str; 3] = ["after", "limit", "id"];

/// The filters of a list as its address has them.
pub fn filters(query: &Input) -> String {
    let mut plain = query.clone();
    PASSING.iter().for_each(|name| plain.remove(name));
    plain.to_query()
}

/// The views that the actor sees of a list, by name: own ones, and those shared at the own customer.
pub fn of(db: &Read, actor: &Actor, list: List) -> Result<Vec<View>> {
    store::of(db, actor.user, actor.home, list)
}

/// Keeps a view; one of that name that the actor has is replaced.
pub fn save(db: &Db, actor: &Actor, list: List, input: &Input, check: Check) -> Result<ViewId> {
    let mut fields = Fields::of(input, SAVE);
    let (name, query) = (fields.text("name", 1..=60), fields.text("query", 1..=1_000));
    let shared = fields.flag("shared");
    let (name, query, shared) = fields.finish(|| Some((name?, query?, shared?)))?;
    let said = Input::from_form(query.as_bytes());
    let query = filters(&said);
    if query.is_empty() {
        return Err(Error::invalid("query", "narrows nothing"));
    }
    if check(&said).is_err() {
        return Err(Error::invalid("query", "has something that is no filter of this list"));
    }
    db.write(actor.by, |tx| {
        let id = store::save(tx, actor.user, actor.home, list, &name, &query, shared)?;
        if store::count(tx, actor.user, list)? > MOST {
            return Err(Error::refused(format!(
                "You have {MOST} views of this list. Delete one first."
            )));
        }
        let detail = json!({ "list": list, "name": name, "shared": shared });
        audit::record(tx, "view.saved", ("view", id.0), actor.home, &detail)?;
        Ok(id)
    })
}

/// Deletes a view: one's own, or a shared one for whoever may change the customer.
pub fn delete(db: &Db, actor: &Actor, list: List, id: ViewId) -> Result<()> {
    db.write(actor.by, |tx| {
        let all = of(tx, actor, list)?;
        let view = all.into_iter().find(|view| view.id == id).ok_or(Error::NotFound)?;
        if !view.own && !actor.reaches::<CustomersUpdate>(tx, actor.home) {
            let why = format!("{} shared this view and can delete it.", view.by);
            return Err(Error::Forbidden(why));
        }
        store::delete(tx, id)?;
        let detail = json!({ "list": list, "name": view.name });
        audit::record(tx, "view.deleted", ("view", id.0), actor.home, &detail)
    })
}
