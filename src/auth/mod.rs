//! Who is asking, and the proof that they may.
//!
//! Invariant: a [`Scope`] is made by [`Actor::scope`] alone, and every statement about a customer's
//! things compares with it. Every door ends in [`may_enter`].

pub mod factor;
pub mod password;
pub mod permissions;
mod browsers;
mod acting;
mod doors;
mod guards;
mod keys;
mod links;
mod rights;
mod ship;

pub use acting::{Acting, act_as, actor_for, may_be_acted_as, of_session, stop_acting};
pub use browsers::{forget_browsers, is_known, know};
pub use doors::{
    Door, Session, Stage, end_sign_ins, may_enter, note_entry, open_session, session, touch,
};
pub use guards::{
    LEAVES, WITHOUT, again, covers, is_last, last_of_another, not_acting, not_last_administrator,
    not_last_unless_meant, not_oneself, not_stronger, not_stronger_peer,
};
pub use keys::{NewToken, note_use, of_token, token_is_well_formed};
pub use links::{Link, Purpose, link, make_link};
pub use permissions::{Admits, PROVIDER, Permission};
pub use rights::{
    Held, Right, Rights, ServiceRights, held, intersect, rights_at, standing, standing_if,
};
pub use ship::ship_roles;

use crate::db::{By, Read, Via};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, ServiceId, UserId};
use crate::time::Zone;
use parking_lot::Mutex;
use rusqlite::named_params;
use rusqlite::types::{ToSql, ToSqlOutput};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// A person at work, or a program in a person's name. Built once per request.
#[derive(Clone)]
pub struct Actor {
    pub user: UserId,
    pub home: CustomerId,
    pub name: String,
    /// The roles' names, for the page's foot.
    pub roles: String,
    pub zone: Zone,
    pub by: By,
    /// What asks for a second factor: the name of a role held, or of the customer.
    pub requires_factor: Option<String>,
    rights: Rights,
    /// The rights that hold for one service only.
    on_services: BTreeMap<ServiceId, Rights>,
    /// The permissions that the token in use names, none for `*`; `None` where no token is in use.
    named: Option<Vec<String>>,
    /// Whether those who had to agree to what is done have.
    agreed: bool,
    breadths: Breadths,
}

/// What was found out about the breadth of scopes, by their codes: many lists of a page ask.
type Breadths = Arc<Mutex<BTreeMap<String, Breadth>>>;

/// Proof that somebody may do `P`, and to whom.
///
/// Bind it as `:scope`. SQLite refuses a parameter that the statement does not mention, so a query
/// that forgets to compare with it fails the first time it runs:
/// - a list: `customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))`
/// - one row: `EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = … AND scope IN (SELECT value FROM json_each(:scope)))`
pub struct Scope<P> {
    codes: String,
    pub by: By,
    breadths: Breadths,
    permission: PhantomData<fn() -> P>,
}

/// Proof that somebody may do `P` to oneself. Bind it as `:own`; it is no scope:
///
/// ```compile_fail,E0308
/// use portico::auth::permissions::AccountRead;
/// use portico::auth::{Actor, Scope};
/// fn reach(actor: &Actor) -> portico::error::Result<Scope<AccountRead>> {
///     actor.own::<AccountRead>()
/// }
/// ```
pub struct Own<P> {
    pub user: UserId,
    pub by: By,
    permission: PhantomData<fn() -> P>,
}

/// How much a scope reaches, which decides the plan of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    /// So few customers that their rows are fetched and sorted.
    Narrow,
    /// So many that the sort index is walked and each row probed.
    Wide,
    /// Every customer there is.
    All,
}

/// From as many customers on, a scope is wide.
const WIDE: i64 = 200;
/// From as many users on, a scope of few customers is wide where users are listed.
const WIDE_USERS: i64 = 15_000;

impl Actor {
    /// Whoever owns the shell: every right over every customer, and nobody's name. Callable from the
    /// verbs' side only.
    pub fn of_shell() -> Actor {
        let everywhere = |(name, admits): &(&str, Admits)| {
            let over = *admits != Admits::Oneself;
            over.then(|| ((*name).to_owned(), vec![PROVIDER.0 * 4 + 3]))
        };
        Actor {
            user: UserId(0),
            home: PROVIDER,
            name: "Portico".to_owned(),
            roles: String::new(),
            zone: Zone::utc(),
            by: By::portico(Via::Shell),
            rights: permissions::ALL.iter().filter_map(everywhere).collect(),
            requires_factor: None,
            on_services: BTreeMap::new(),
            named: None,
            agreed: true,
            breadths: Breadths::default(),
        }
    }

    /// The same, doing what others have agreed to: nobody is asked about it again.
    pub fn agreed_to(&self) -> Actor {
        Actor { agreed: true, ..self.clone() }
    }

    /// Whether nobody has to be asked any more.
    pub fn was_agreed_to(&self) -> bool {
        self.agreed
    }

    /// What may be limited to services asks for [`Actor::service_rights`] instead: the compiler sees
    /// to it.
    ///
    /// ```compile_fail,E0080
    /// use portico::auth::{Actor, permissions::UserServicesWrite};
    /// pub fn write(actor: &Actor) -> bool {
    ///     actor.scope::<UserServicesWrite>().is_ok()
    /// }
    /// fn main() {
    ///     let _: fn(&Actor) -> bool = write;
    /// }
    /// ```
    pub fn scope<P: Permission>(&self) -> Result<Scope<P>> {
        const { assert!(!P::PER_SERVICE, "ask for service_rights and say on which service") };
        match self.rights.get(P::NAME) {
            Some(codes) if !codes.is_empty() => Ok(Scope {
                codes: serde_json::to_string(codes)?,
                by: self.by,
                breadths: Arc::clone(&self.breadths),
                permission: PhantomData,
            }),
            _ => Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME))),
        }
    }

    pub fn own<P: Permission>(&self) -> Result<Own<P>> {
        if P::NAME == "account.read" || self.rights.contains_key(P::NAME) {
            return Ok(Own { user: self.user, by: self.by, permission: PhantomData });
        }
        Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME)))
    }

    pub fn may<P: Permission>(&self) -> bool {
        !self.codes_of(P::NAME).is_empty()
    }

    /// Whether the right to do `P`, for some service at least, reaches `customer`: what a page offers.
    pub fn reaches<P: Permission>(&self, db: &Read, customer: CustomerId) -> bool {
        let Some(codes) = self.codes(P::NAME) else { return false };
        let found = db.maybe(
            "SELECT 1 FROM reach
              WHERE customer_id = :customer AND scope IN (SELECT value FROM json_each(:codes)) LIMIT 1",
            named_params! { ":codes": codes, ":customer": customer },
            |_| Ok(()),
        );
        found.is_ok_and(|found| found.is_some())
    }

    /// The scope codes of the permission of that name, as they are bound; none for those of oneself.
    pub fn codes(&self, permission: &str) -> Option<String> {
        let codes = self.codes_of(permission);
        if codes.is_empty() { None } else { serde_json::to_string(&codes).ok() }
    }

    /// The same as numbers, those that hold for one service only among them.
    fn codes_of(&self, permission: &str) -> Vec<i64> {
        let limited = self.on_services.values().filter_map(|rights| rights.get(permission));
        self.rights.get(permission).into_iter().chain(limited).flatten().copied().collect()
    }

    /// Whether this person belongs to the provider.
    pub fn is_provider(&self) -> bool {
        self.home == PROVIDER
    }

    /// Every right with its codes: for covering and narrowing.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }
}

impl<P> Scope<P> {
    /// The right to do `P` everywhere, for work that Portico does by itself. Callable from the jobs,
    /// the engine and the verbs only; a test sees to it.
    pub fn of_system(via: Via) -> Scope<P> {
        Scope {
            codes: format!("[{}]", PROVIDER.0 * 4 + 3),
            by: By::portico(via),
            breadths: Breadths::default(),
            permission: PhantomData,
        }
    }

    pub fn breadth(&self, db: &Read) -> Result<Breadth> {
        if self.codes == format!("[{}]", PROVIDER.0 * 4 + 3) {
            return Ok(Breadth::All);
        }
        if let Some(known) = self.breadths.lock().get(&self.codes) {
            return Ok(*known);
        }
        let reached: i64 = db.value(
            "SELECT count(*) FROM (SELECT 1 FROM reach
              WHERE scope IN (SELECT value FROM json_each(:scope)) LIMIT :most)",
            named_params! { ":scope": self, ":most": WIDE },
        )?;
        let breadth = if reached < WIDE { Breadth::Narrow } else { Breadth::Wide };
        self.breadths.lock().insert(self.codes.clone(), breadth);
        Ok(breadth)
    }

    /// The same for a list of users or a search among them: few customers may have many.
    pub fn breadth_of_users(&self, db: &Read) -> Result<Breadth> {
        let breadth = self.breadth(db)?;
        if breadth != Breadth::Narrow {
            return Ok(breadth);
        }
        let reached: i64 = db.value(
            "SELECT coalesce(sum(users), 0) FROM customer_users
              WHERE customer_id IN (SELECT customer_id FROM reach
                                     WHERE scope IN (SELECT value FROM json_each(:scope)))",
            named_params! { ":scope": self },
        )?;
        Ok(if reached < WIDE_USERS { Breadth::Narrow } else { Breadth::Wide })
    }

    /// The customers at which the right stands, and whether it reaches each itself (1), what is below
    /// it (2), or both (3).
    pub fn stands_at(&self) -> Vec<(CustomerId, i64)> {
        let codes: Vec<i64> = serde_json::from_str(&self.codes).unwrap_or_default();
        codes.into_iter().map(|code| (CustomerId(code / 4), code % 4)).collect()
    }

    /// Whether it reaches `customer`: absent and out of reach are the same `NotFound`.
    pub fn reaches(&self, db: &Read, customer: CustomerId) -> Result<()> {
        db.one(
            "SELECT 1 FROM reach
              WHERE customer_id = :customer AND scope IN (SELECT value FROM json_each(:scope)) LIMIT 1",
            named_params! { ":scope": self, ":customer": customer },
            |_| Ok(()),
        )
    }
}

impl<P> ToSql for Scope<P> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.codes.to_sql()
    }
}

impl<P> ToSql for Own<P> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.user.to_sql()
    }
}

/// The actor that `user` is now, if the door lets them in.
pub fn actor(db: &Read, user: UserId, door: Door, via: Via) -> Result<Actor> {
    let person = may_enter(db, user, door)?;
    let held = rights::held(db, user, person.home)?;
    let requires_factor = factor_asked_by(db, &held, user, person.home)?;
    let (roles, rights, on_services) = rights::worth(db, held, person.home)?;
    Ok(Actor {
        user,
        home: person.home,
        name: person.name,
        roles: roles.join(", "),
        zone: person.zone,
        by: By { user: Some(user), via, acting_for: None },
        requires_factor,
        rights,
        on_services,
        named: None,
        agreed: false,
        breadths: Breadths::default(),
    })
}

/// What asks `user` for a second factor: a role in force or a part of one, everybody's customer, or a
/// service.
pub fn requires_factor(db: &Read, user: UserId, home: CustomerId) -> Result<Option<String>> {
    factor_asked_by(db, &rights::held(db, user, home)?, user, home)
}

fn factor_asked_by(
    db: &Read,
    held: &[Held],
    user: UserId,
    home: CustomerId,
) -> Result<Option<String>> {
    let pairs: Vec<i64> =
        held.iter().filter(|held| held.why_not.is_none()).map(|held| held.role.0).collect();
    db.maybe(
        "WITH RECURSIVE parts (held, id) AS (
           SELECT value, value FROM json_each(:held)
            UNION SELECT held, includes_id FROM parts JOIN role_includes ON role_id = parts.id)
         SELECT coalesce(
            (SELECT whole.name FROM parts
               JOIN roles ON roles.id = parts.id AND roles.requires_factor = 1
               JOIN roles AS whole ON whole.id = parts.held LIMIT 1),
            (SELECT CASE value WHEN 'yes' THEN setter.name END
               FROM customer_tree
               JOIN customer_settings ON customer_settings.customer_id = above AND key = 'factor_for_all'
               JOIN customers setter ON setter.id = above
              WHERE below = :home ORDER BY depth LIMIT 1),
            (SELECT 'A service of yours' FROM users WHERE id = :user AND factor_from <= :now)) AS name",
        named_params! { ":held": serde_json::to_string(&pairs)?, ":home": home, ":user": user, ":now": db.now },
        |row| row.get::<_, Option<String>>("name"),
    )
    .map(Option::flatten)
}
