//! Two records of one person become one: what the other was called by is the survivor's from now on,
//! so that mail to an old address still finds somebody.

mod store;

use super::{Home, User, enter, is_in_state, life, store as users_store};
use crate::assignments;
use crate::audit;
use crate::auth::permissions::UsersUpdate;
use crate::auth::{Actor, Scope, not_acting, not_last_administrator, not_oneself, not_stronger};
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::{Field, Fields, Input};
use crate::ledger::Action;
use crate::places::State;
use serde_json::json;

pub const MERGE: &[Field] = &[Field::text(
    "user",
    "the one that goes, by sign-in name, address or id; a user of the same customer",
)
.required()];

/// What merging would do.
pub struct Outlook {
    pub survivor: User,
    pub other: User,
}

impl Outlook {
    /// The addresses that change hands.
    pub fn addresses(&self) -> Vec<String> {
        self.other.details.hosted().map(|(_, name)| name.to_owned()).collect()
    }
}

/// Reads both, and everything that speaks against it.
pub fn outlook(
    db: &Read,
    actor: &Actor,
    scope: &Scope<UsersUpdate>,
    survivor: UserId,
    input: &Input,
) -> Result<Outlook> {
    let survivor = users_store::one(db, scope, survivor)?;
    if matches!(survivor.state, State::Deleted | State::Purged) {
        return Err(is_in_state(&survivor));
    }
    let mut fields = Fields::of(input, MERGE);
    let text = fields.text("user", 1..=254).map(|text| text.to_lowercase());
    let found = match &text {
        Some(text) => match text.parse::<UserId>() {
            Ok(id) => users_store::is_of(db, survivor.customer, id)?.then_some(id),
            Err(_) => users_store::by_name(db, survivor.customer, text)?,
        },
        None => None,
    };
    if text.is_some() && found.is_none() {
        fields.complain::<()>("user", "is not a user of this customer");
    }
    if found == Some(survivor.id) {
        fields.complain::<()>("user", "is the same user");
    }
    let other = fields.finish(|| found)?;
    let other = users_store::one(db, scope, other)?;
    if matches!(other.state, State::Deleted | State::Purged) {
        return Err(is_in_state(&other));
    }
    not_acting(actor)?;
    not_oneself(actor, other.id)?;
    not_stronger(db, actor, survivor.id)?;
    not_stronger(db, actor, other.id)?;
    let held = assignments::had_by(db, other.id)?.into_iter().map(|had| had.name);
    let held: Vec<String> = held.chain(users_store::roles(db, other.id)?).collect();
    if !held.is_empty() {
        let name = &other.details.display_name;
        return Err(Error::refused(format!("{name} still holds {}.", held.join(", "))));
    }
    not_last_administrator(db, actor.home, other.id)?;
    Ok(Outlook { survivor, other })
}

/// Merges `user` of the input into `survivor`; says who went.
pub fn merge(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersUpdate>,
    survivor: UserId,
    input: &Input,
) -> Result<UserId> {
    db.write(scope.by, |tx| {
        let Outlook { survivor, other } = outlook(tx, actor, scope, survivor, input)?;
        let home = Home::of(tx, scope, survivor.customer)?;
        let (id, gone) = (survivor.id, other.id);
        let moved: Vec<String> = other.details.hosted().map(|(_, name)| name.to_owned()).collect();
        // Whoever is in the bin has a sign-in name too; this one nobody could have chosen.
        let host = other.details.upn.rsplit_once('@').map_or("", |(_, host)| host);
        let placeholder = format!("merged+{gone}@{host}");
        let elsewhere: Vec<&String> = other.details.external_emails.iter().collect();
        store::hand_over(
            tx,
            &other,
            id,
            &placeholder,
            super::fields::domain_of(&placeholder, &home.usable),
        )?;
        if other.state != State::Deprovisioned {
            enter(tx, Action::Removed, &other, State::Deleted)?;
        }
        users_store::raise_epoch(tx, gone)?;
        users_store::revoke_tokens(tx, gone)?;
        life::into_bin(tx, scope, &other)?;
        let detail = json!({ "into": id });
        audit::record(tx, "user.merged", ("user", gone.0), other.customer, &detail)?;
        let detail = json!({ "from": gone, "addresses": moved, "external_emails": elsewhere });
        audit::record(tx, "user.merged", ("user", id.0), survivor.customer, &detail)?;
        Ok(gone)
    })
}
