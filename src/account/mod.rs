//! One's own account: password, sign-ins, API tokens, how pages look. The tokens of others are
//! listed and revoked here too, by those who may.

pub mod api;
pub mod factor;
pub mod notices;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::permissions::{self, AccountRead, TokensManage, TokensOwn, UsersRename};
use crate::auth::{self, Actor, Admits, Door, NewToken, Own, Purpose, Scope, Stage};
use crate::customers::fields::LANGUAGES;
use crate::db::{Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, TokenId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::texts;
use crate::secret::Secret;
use crate::signin;
use crate::time::{Instant, Zone};
use crate::web::throttle::Limit;
use crate::web::{Cx, Paging};
use serde_json::json;

/// What making a token asks for.
pub const TOKEN: &[Field] = &[
    Field::text("name", "1–60 characters").required(),
    Field::list("permissions", "names, or * for all that the user holds; * when left out"),
    Field::integer("customer_id", "the one customer it reaches; empty: all that the user reaches"),
    Field::integer("days", "until it ends, 1–365; 90 when left out"),
];

/// An API token as it is listed: never its text.
#[derive(Clone, serde::Serialize)]
pub struct Token {
    pub id: TokenId,
    pub user_id: UserId,
    pub name: String,
    /// `*`, or names.
    pub permissions: Vec<String>,
    pub customer_id: Option<CustomerId>,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

/// A browser that is signed in.
pub struct SignedIn {
    pub key: [u8; 32],
    pub address: String,
    pub browser: String,
    pub created_at: Instant,
    pub last_seen_at: Instant,
}

/// A try at one's own door.
pub struct Try {
    pub at: Instant,
    pub address: String,
    pub browser: String,
    pub outcome: String,
}

/// Links to one's own address in an hour.
const PROOFS: Limit = Limit { tries: 3, seconds: 3600 };

struct NewTokenRow {
    name: String,
    permissions: String,
    at: Option<CustomerId>,
    days: i64,
}

/// The tokens of `user`: one's own, or anybody's within the scope.
pub fn tokens(db: &Read, actor: &Actor, user: UserId, paging: &Paging) -> Result<Vec<Token>> {
    if user == actor.user {
        return store::own_tokens(db, &actor.own::<TokensOwn>()?, paging);
    }
    match actor.scope::<TokensManage>() {
        Ok(scope) => store::tokens(db, &scope, user, paging),
        Err(_) => Err(Error::NotFound),
    }
}

/// Makes a token for oneself. Its text is in the answer and nowhere else.
pub fn make_token(
    db: &Db,
    actor: &Actor,
    own: &Own<TokensOwn>,
    input: &Input,
) -> Result<(TokenId, Secret)> {
    let mut row = NewTokenRow::read(actor, input)?;
    db.read(|db| {
        if actor.by.via == Via::Api {
            not_beyond_the_token(db, actor, &mut row)?;
        }
        row.at.map_or(Ok(()), |at| within(db, actor, at))
    })?;
    let made = NewToken::make()?;
    let id = db.write(own.by, |tx| {
        let expires = tx.now.plus_days(row.days);
        let id = store::insert_token(tx, own, &row, &made.hash, expires)?;
        let detail = json!({ "name": row.name, "permissions": row.permissions, "at": row.at, "expires_at": expires });
        audit::record(tx, "token.created", ("token", id.0), actor.home, &detail)?;
        let what = format!("An API token called “{}” was made for your account.", row.name);
        texts::tell_user(tx, actor.home, own.user, "token.created", "An API token was made", &what)?;
        Ok(id)
    })?;
    Ok((id, made.text))
}

/// Makes a token for a user that programs alone use: by those who may rename it and hold all that it
/// holds.
pub fn make_token_for(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersRename>,
    user: UserId,
    input: &Input,
) -> Result<(Token, Secret)> {
    let program = db.read(|db| {
        let home = store::program_within(db, scope, user)?;
        home.ok_or_else(|| {
            Error::refused("People make their tokens themselves: this is no user for programs.")
        })?;
        auth::not_stronger(db, actor, user)?;
        auth::actor(db, user, Door::Token, Via::Api)
    });
    let mut program = program.map_err(|err| match err {
        Error::LoginRequired => Error::refused("This user is disabled or may not use the API."),
        other => other,
    })?;
    program.by = scope.by;
    let own = program.own::<TokensOwn>()?;
    let (id, text) = make_token(db, &program, &own, input)?;
    Ok((db.read(|db| store::own_token(db, &own, id))?, text))
}

/// One's own time zone and language; empty ones are the customer's.
pub const DETAILS: &[Field] = &[
    Field::text("time_zone", "IANA name; empty: the customer's"),
    Field::text("language", "en; empty: the customer's"),
];

pub fn change_details(cx: &Cx, own: &Own<AccountRead>, input: &Input) -> Result<()> {
    let mut fields = Fields::of(input, DETAILS);
    let zone = match fields.value("time_zone") {
        zone if zone.is_empty() || Zone::named(zone).is_some() => Some(zone.to_owned()),
        _ => fields.complain("time_zone", "is not a time zone like Europe/Amsterdam"),
    };
    let language = match fields.value("language") {
        language if language.is_empty() || LANGUAGES.iter().any(|(each, _)| *each == language) => {
            Some(language.to_owned())
        }
        _ => fields.complain("language", "is not one of the choices"),
    };
    let (zone, language) = fields.finish(|| Some((zone?, language?)))?;
    cx.db.write(own.by, |tx| {
        store::set_details(tx, own, &zone, &language)?;
        let detail = json!({ "time_zone": zone, "language": language });
        audit::record(tx, "user.changed", ("user", own.user.0), cx.actor.home, &detail)
    })
}

/// Mails a link to one's own address elsewhere: who opens it proves that the address is theirs.
pub fn prove_recovery(cx: &Cx, own: &Own<AccountRead>) -> Result<String> {
    let details = cx.db.read(|db| store::details(db, own))?;
    if details.recovery.is_empty() || details.proven {
        return Err(Error::refused("There is no address to prove."));
    }
    cx.app.count(&format!("prove {}", own.user), PROOFS)?;
    cx.db.write(own.by, |tx| {
        let (key, good) = (&cx.app.config.key, texts::lifetime(Purpose::Recovery));
        texts::send_link_to(tx, key, own.user, Purpose::Recovery, good, &details.recovery)?;
        Ok(details.recovery.clone())
    })
}

/// One of one's own tokens.
pub fn one(db: &Read, own: &Own<TokensOwn>, id: TokenId) -> Result<Token> {
    store::own_token(db, own, id)
}

/// Ends a token for good: one's own, or another's within the scope.
pub fn revoke_token(db: &Db, actor: &Actor, id: TokenId) -> Result<()> {
    let manage = actor.scope::<TokensManage>().ok();
    db.write(actor.by, |tx| {
        let (user, home, name) = match store::revoke_own(tx, actor.user, id)? {
            Some(found) => found,
            None => match &manage {
                Some(scope) => store::revoke(tx, scope, id)?,
                None => return Err(Error::NotFound),
            },
        };
        let detail = json!({ "name": name, "user": user });
        audit::record(tx, "token.revoked", ("token", id.0), home, &detail)
    })
}

/// Changes one's own password. The present session stays, the others end.
pub fn change_password(
    cx: &Cx,
    current: &Secret,
    new: &Secret,
    revoke: bool,
) -> Result<Option<Secret>> {
    if !signin::prove(cx, current)? {
        return Err(Error::invalid("current", "is not the current password"));
    }
    let user = cx.actor.user;
    signin::check_password(cx.db, &cx.app.hasher, user, new)?;
    let hash = cx.app.hasher.hash(new)?;
    cx.db.write(cx.actor.by, |tx| {
        let chosen = signin::Chosen { hash: &hash, text: new };
        let key = &cx.app.config.key;
        let home = signin::put_password(tx, key, user, &chosen, cx.session.as_ref())?;
        if revoke {
            store::revoke_all(tx, user)?;
        }
        audit::record(
            tx,
            "user.password_changed",
            ("user", user.0),
            home,
            &json!({ "tokens_revoked": revoke }),
        )?;
        let what = "The password of your account was changed.";
        let title = "Your password was changed";
        texts::tell_user(tx, home, user, "user.password_changed", title, what)?;
        match &cx.session {
            Some(session) if cx.stage == Stage::Password => session.rise(tx, false).map(Some),
            _ => Ok(None),
        }
    })
}

/// Ends one of one's own sign-ins, by the number its row shows; or all but the present one, and with
/// them the links that were mailed.
pub fn end_sign_ins(cx: &Cx, which: Option<&str>) -> Result<()> {
    let kept = cx.session.as_ref().map(|session| *session.hash());
    cx.db.write(cx.actor.by, |tx| {
        let ended = store::end_sessions(tx, cx.actor.user, which, kept)?;
        if which.is_none() {
            auth::end_sign_ins(tx, cx.actor.user, cx.session.as_ref())?;
        } else if ended == 0 {
            return Err(Error::NotFound);
        }
        let user = ("user", cx.actor.user.0);
        audit::record(tx, "session.ended", user, cx.actor.home, &json!({ "sessions": ended }))
    })
}

/// Whether any right of the actor reaches `customer`.
fn within(db: &Read, actor: &Actor, customer: CustomerId) -> Result<()> {
    for (permission, codes) in actor.rights() {
        if !codes.is_empty() && auth::covers(db, actor, permission, customer.0 * 4 + 1)? {
            return Ok(());
        }
    }
    Err(Error::invalid("customer_id", "is not one of the choices"))
}

/// A token made with a token can do no more than that one: `*` becomes what the first one may, and
/// one that reaches a single customer makes tokens for single customers.
fn not_beyond_the_token(db: &Read, actor: &Actor, row: &mut NewTokenRow) -> Result<()> {
    let whole = auth::actor(db, actor.user, Door::Token, Via::Api)?;
    let narrowed =
        actor.rights().iter().any(|(name, codes)| whole.rights().get(name) != Some(codes));
    if narrowed && row.at.is_none() {
        return Err(Error::invalid(
            "customer_id",
            "is required: the token in use reaches one customer",
        ));
    }
    if row.permissions == "*" && actor.rights().len() < whole.rights().len() {
        row.permissions = serde_json::to_string(&actor.rights().keys().collect::<Vec<_>>())?;
    }
    Ok(())
}

impl NewTokenRow {
    fn read(actor: &Actor, input: &Input) -> Result<NewTokenRow> {
        let mut fields = Fields::of(input, TOKEN);
        let name = fields.text("name", 1..=60);
        let names: Option<Vec<String>> = fields.list("permissions", 200);
        let permissions = match names {
            None => None,
            Some(names) if names.is_empty() || names.iter().any(|name| name == "*") => {
                Some("*".to_owned())
            }
            Some(names) => match names.iter().find(|name| !holds(actor, name)) {
                Some(unknown) => {
                    fields.complain("permissions", format!("has {unknown}, which you do not hold"))
                }
                None => serde_json::to_string(&names).ok(),
            },
        };
        let at = fields.optional("customer_id");
        let days = match fields.value("days") {
            "" => Some(90),
            text => match text.parse() {
                Ok(days) if (1..=365).contains(&days) => Some(days),
                _ => fields.complain("days", "must be within 365 days"),
            },
        };
        fields.finish(|| {
            Some(NewTokenRow { name: name?, permissions: permissions?, at: at?, days: days? })
        })
    }
}

fn holds(actor: &Actor, name: &str) -> bool {
    match permissions::admits(name) {
        Some(Admits::Oneself) => name == "account.read" || actor.rights().contains_key(name),
        Some(_) => actor.rights().contains_key(name),
        None => false,
    }
}
