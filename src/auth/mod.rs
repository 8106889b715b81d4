//! Who is asking, and the proof that they may.
//!
//! Invariant: a [`Scope`] is made by [`Actor::scope`] alone, and every statement about a customer's
//! things compares with it. Every door ends in [`may_enter`].

pub mod factor;
pub mod password;
pub mod permissions;
mod browsers;
mod doors;
mod guards;
mod keys;
mod links;

pub use browsers::{forget_browsers, is_known, know};
pub use doors::{
    Door, Session, Stage, end_sign_ins, may_enter, note_entry, open_session, session, touch,
};
pub use guards::{
    again, covers, not_last_administrator, not_oneself, not_stronger, not_stronger_peer,
};
pub use keys::{NewToken, note_use, of_token, token_is_well_formed};
pub use links::{Link, Purpose, link, make_link};
pub use permissions::{Admits, PROVIDER, Permission};

use crate::db::{By, Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::time::Zone;
use rusqlite::named_params;
use rusqlite::types::{ToSql, ToSqlOutput};
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// A person at work, or a program in a person's name. Built once per request.
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
    /// The permissions that the token in use names, none for `*`; `None` where no token is in use.
    named: Option<Vec<String>>,
}

/// Permission to scope codes: `at * 4 + bits`.
pub type Rights = BTreeMap<String, Vec<i64>>;

/// Proof that somebody may do `P`, and to whom.
///
/// Bind it as `:scope`. SQLite refuses a parameter that the statement does not mention, so a query
/// that forgets to compare with it fails the first time it runs:
/// - a list: `customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))`
/// - one row: `EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = … AND scope IN (SELECT value FROM json_each(:scope)))`
pub struct Scope<P> {
    codes: String,
    pub by: By,
    permission: PhantomData<fn() -> P>,
}

/// Proof that somebody may do `P` to oneself. Bind it as `:own`.
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
const WIDE_USERS: i64 = 20_000;

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
            named: None,
        }
    }

    pub fn scope<P: Permission>(&self) -> Result<Scope<P>> {
        match self.rights.get(P::NAME) {
            Some(codes) if !codes.is_empty() => Ok(Scope {
                codes: serde_json::to_string(codes)?,
                by: self.by,
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
        self.rights.get(P::NAME).is_some_and(|codes| !codes.is_empty())
    }

    /// The scope codes of the permission of that name, as they are bound; none for those of oneself.
    pub fn codes(&self, permission: &str) -> Option<String> {
        let codes = self.rights.get(permission).filter(|codes| !codes.is_empty())?;
        serde_json::to_string(codes).ok()
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
            permission: PhantomData,
        }
    }

    pub fn breadth(&self, db: &Read) -> Result<Breadth> {
        if self.codes == format!("[{}]", PROVIDER.0 * 4 + 3) {
            return Ok(Breadth::All);
        }
        let reached: i64 = db.value(
            "SELECT count(*) FROM (SELECT 1 FROM reach
              WHERE scope IN (SELECT value FROM json_each(:scope)) LIMIT :most)",
            named_params! { ":scope": self, ":most": WIDE },
        )?;
        Ok(if reached < WIDE { Breadth::Narrow } else { Breadth::Wide })
    }

    /// The same for a list of users or a search among them: few customers may have many.
    pub fn breadth_of_users(&self, db: &Read) -> Result<Breadth> {
        let breadth = self.breadth(db)?;
        if breadth != Breadth::Narrow {
            return Ok(breadth);
        }
        let reached: i64 = db.value(
            "SELECT count(*) FROM (SELECT 1 FROM users
              WHERE customer_id IN (SELECT customer_id FROM reach
                                     WHERE scope IN (SELECT value FROM json_each(:scope))) LIMIT :most)",
            named_params! { ":scope": self, ":most": WIDE_USERS },
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
    let (roles, rights) = rights_held(db, user, person.home)?;
    let requires_factor = requires_factor(db, user, person.home)?;
    Ok(Actor {
        user,
        home: person.home,
        name: person.name,
        roles: roles.join(", "),
        zone: person.zone,
        by: By { user: Some(user), via },
        requires_factor,
        rights,
        named: None,
    })
}

/// The roles of `user` by name, and the rights they are worth: those not past their last day, held
/// where they may be held.
fn rights_held(db: &Read, user: UserId, home: CustomerId) -> Result<(Vec<String>, Rights)> {
    let zone: String = db.value(
        "SELECT time_zone FROM customers WHERE id = :home",
        named_params! { ":home": home },
    )?;
    let today = db.now.day(&Zone::named(&zone).unwrap_or_else(Zone::utc));
    let mut rights: Rights = BTreeMap::new();
    let mut roles: Vec<String> = Vec::new();
    db.each(
        "SELECT roles.name, permission, reach, at_id
           FROM role_grants
           JOIN roles ON roles.id = role_grants.role_id
           JOIN role_rights ON role_rights.role_id = roles.id
           JOIN customers ON customers.id = at_id
          WHERE user_id = :user
            AND (until_on IS NULL OR until_on >= :today)
            AND (held_in = 'any' OR (held_in = 'provider' AND at_id = 1 AND :home = 1)
                 OR (held_in = 'reseller' AND customers.reseller = 1))
          ORDER BY role_grants.id, permission",
        named_params! { ":user": user, ":today": today, ":home": home },
        |row| {
            let (role, permission): (String, String) = (row.get("name")?, row.get("permission")?);
            let (bits, at): (i64, i64) = (row.get("reach")?, row.get("at_id")?);
            if !roles.contains(&role) {
                roles.push(role);
            }
            let codes = rights.entry(permission.clone()).or_default();
            match permissions::admits(&permission) {
                Some(Admits::Oneself) | None => {}
                Some(Admits::Provider) => {
                    if at == PROVIDER.0 && home == PROVIDER {
                        join(codes, at, 3);
                    }
                }
                Some(admits) => join(codes, at, bits & admits.bits()),
            }
            Ok(())
        },
    )?;
    rights.retain(|name, codes| {
        !codes.is_empty() || permissions::admits(name) == Some(Admits::Oneself)
    });
    Ok((roles, rights))
}

/// What asks `user` for a second factor: a role held, or everybody's customer.
pub fn requires_factor(db: &Read, user: UserId, home: CustomerId) -> Result<Option<String>> {
    let today = db.now.day(&Zone::utc()).plus_days(-1);
    db.maybe(
        "SELECT coalesce(
            (SELECT roles.name FROM role_grants JOIN roles ON roles.id = role_id
              WHERE user_id = :user AND requires_factor = 1 AND (until_on IS NULL OR until_on >= :today)
              ORDER BY role_grants.id LIMIT 1),
            (SELECT CASE value WHEN 'yes' THEN setter.name END
               FROM customer_tree
               JOIN customer_settings ON customer_settings.customer_id = above AND key = 'factor_for_all'
               JOIN customers setter ON setter.id = above
              WHERE below = :home ORDER BY depth LIMIT 1)) AS name",
        named_params! { ":user": user, ":home": home, ":today": today },
        |row| row.get::<_, Option<String>>("name"),
    )
    .map(Option::flatten)
}

fn join(codes: &mut Vec<i64>, at: i64, bits: i64) {
    match codes.iter_mut().find(|code| **code / 4 == at) {
        Some(code) => *code |= bits,
        None if bits > 0 => codes.push(at * 4 + bits),
        None => {}
    }
}

/// Writes the shipped roles as this program knows them; run at every start.
pub fn ship_roles(db: &Db) -> Result<()> {
    db.write(By::portico(Via::Shell), |tx| {
        for role in permissions::SHIPPED {
            let known: Option<i64> = tx.maybe(
                "SELECT id FROM roles WHERE customer_id IS NULL AND name = ?1",
                [role.name],
                |row| row.get(0),
            )?;
            let id: i64 = match known {
                Some(id) => id,
                None => tx.change(
                    "INSERT INTO roles (customer_id, name, description, held_in, requires_factor, allowed)
                     VALUES (NULL, :name, :description, :held_in, :factor, :allowed) RETURNING id",
                    named_params! {
                        ":name": role.name, ":description": role.description, ":held_in": role.held_in,
                        ":factor": role.requires_factor, ":allowed": role.allowed,
                    },
                )?,
            };
            let rights = permissions::rights_of(role.column);
            let names: Vec<&str> = rights.iter().map(|(name, _)| *name).collect();
            tx.run(
                "DELETE FROM role_rights
                  WHERE role_id = :role AND permission NOT IN (SELECT value FROM json_each(:names))",
                named_params! { ":role": id, ":names": serde_json::to_string(&names)? },
            )?;
            for (permission, reach) in rights {
                tx.run(
                    "INSERT INTO role_rights (role_id, permission, reach) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET reach = excluded.reach WHERE reach <> excluded.reach",
                    (id, permission, reach),
                )?;
            }
        }
        Ok(())
    })
}
