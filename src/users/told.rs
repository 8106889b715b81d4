//! A user as the API tells it.

use super::User;
use super::fields::SignIn;
use crate::auth::{Actor, Permission, Scope};
use crate::customers::properties::{Holder, Standing, values};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::input::Field;
use crate::places::State;
use crate::time::{Date, Instant};
use crate::web::{Response, response};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What the API promises of a user; a new column does not appear in it by itself.
#[derive(serde::Serialize)]
pub struct UserOut<'u> {
    id: UserId,
    customer_id: CustomerId,
    state: State,
    upn: &'u str,
    mail: &'u str,
    addresses: &'u BTreeSet<String>,
    external_emails: &'u BTreeSet<String>,
    username: &'u str,
    display_name: &'u str,
    recovery_email: &'u str,
    manager_id: Option<UserId>,
    department: &'u str,
    location: &'u str,
    language: &'u str,
    time_zone: &'u str,
    expires_on: Option<Date>,
    sign_in: SignIn,
    main_contact: bool,
    test_user: bool,
    must_change: bool,
    never_expires: bool,
    break_glass: bool,
    /// By source.
    external_ids: &'u BTreeMap<String, String>,
    /// First name to notes.
    #[serde(flatten)]
    texts: &'u BTreeMap<&'static str, String>,
    last_sign_in_at: Option<Instant>,
    /// By key; of those that whoever asks may see.
    #[serde(skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
    version: i64,
    created_at: Instant,
}

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", ""),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::text("upn", ""),
    Field::text("mail", ""),
    Field::list("addresses", ""),
    Field::list("external_emails", ""),
    Field::text("username", ""),
    Field::text("first_name", ""),
    Field::text("last_name", ""),
    Field::text("display_name", ""),
    Field::text("job_title", ""),
    Field::text("department", ""),
    Field::integer("manager_id", ""),
    Field::object("external_ids", "what other systems call it, by source"),
    Field::object(
        "properties",
        "values of the properties that hold here, by key; absent where none does",
    ),
    Field::text("last_sign_in_at", ""),
    Field::integer("version", "for If-Match"),
    Field::text("created_at", ""),
];

impl<'u> UserOut<'u> {
    /// The user as `actor` sees it.
    pub fn of(db: &Read, actor: &Actor, user: &'u User) -> Result<UserOut<'u>> {
        let holder = Holder::user(user.customer, user.id);
        let standing = Standing::of(db, actor, &holder)?;
        let properties = values::object(&values::of(db, standing, &holder)?);
        let d = &user.details;
        Ok(UserOut {
            id: user.id,
            customer_id: user.customer,
            state: user.state,
            upn: &d.upn,
            mail: &d.mail,
            addresses: &d.addresses,
            external_emails: &d.external_emails,
            username: &d.username,
            display_name: &d.display_name,
            recovery_email: &d.recovery_email,
            manager_id: d.manager,
            department: &d.department,
            location: &d.location,
            language: &d.language,
            time_zone: &d.time_zone,
            expires_on: d.expires_on,
            sign_in: d.sign_in,
            main_contact: d.main_contact,
            test_user: d.test_user,
            must_change: d.must_change,
            never_expires: d.never_expires,
            break_glass: d.break_glass,
            external_ids: &d.external_ids,
            texts: &d.texts,
            last_sign_in_at: user.last_sign_in_at,
            properties,
            version: user.version,
            created_at: user.created_at,
        })
    }
}

/// The user as an answer.
pub fn answer<P: Permission>(
    db: &Read,
    actor: &Actor,
    scope: &Scope<P>,
    id: UserId,
) -> Result<Response> {
    let user = super::one(db, scope, id)?;
    let answer = response::json(200, &UserOut::of(db, actor, &user)?)?;
    Ok(answer.with("ETag", format!("\"{}\"", user.version)))
}
