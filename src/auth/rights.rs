//! From the roles somebody holds to the rights these are worth, and how rights compare.
//!
//! A right is a permission, the customer it stands at, and bits: `code = at * 4 + bits`, where 1 is
//! own, 2 below, 3 both. A role that is not worth anything at present says why.

use super::{Actor, Admits, Breadths, PROVIDER, Permission, Scope, guards, permissions};
use crate::db::{By, Read};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, GrantId, RoleId, ServiceId, UserId};
use crate::time::{Date, Zone};
use rusqlite::named_params;
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// Permission to scope codes.
pub type Rights = BTreeMap<String, Vec<i64>>;

/// One right, with the service it is limited to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub permission: String,
    pub code: i64,
    pub service: Option<ServiceId>,
}

/// A role that somebody holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// None for what comes with a mark.
    pub grant: Option<GrantId>,
    pub role: RoleId,
    pub name: String,
    pub at: CustomerId,
    pub at_name: String,
    pub until: Option<Date>,
    pub requires_factor: bool,
    /// Why it is worth nothing at present.
    pub why_not: Option<String>,
}

/// Stands for whatever services a customer will have, where a role grows and shrinks with them.
const WHATEVER: ServiceId = ServiceId(0);

/// The right to do `P` to some services. It cannot be bound: [`ServiceRights::on`] makes the scope.
///
/// ```compile_fail,E0277
/// use portico::auth::{ServiceRights, permissions::UserServicesWrite};
/// fn bind(rights: &ServiceRights<UserServicesWrite>) -> &dyn rusqlite::ToSql {
///     rights
/// }
/// ```
pub struct ServiceRights<P> {
    pub by: By,
    everywhere: Vec<i64>,
    on: BTreeMap<ServiceId, Vec<i64>>,
    permission: PhantomData<fn() -> P>,
}

impl Actor {
    pub fn service_rights<P: Permission>(&self) -> Result<ServiceRights<P>> {
        const { assert!(P::PER_SERVICE, "ask for a scope") };
        if !self.may::<P>() {
            return Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME)));
        }
        let on = self.on_services.iter().filter_map(|(service, rights)| {
            Some((*service, rights.get(P::NAME).filter(|codes| !codes.is_empty())?.clone()))
        });
        Ok(ServiceRights {
            by: self.by,
            everywhere: self.rights.get(P::NAME).cloned().unwrap_or_default(),
            on: on.collect(),
            permission: PhantomData,
        })
    }

    /// Every right, those limited to a service among them.
    pub fn all_rights(&self) -> Vec<Right> {
        let mut all = listed(&self.rights, None);
        for (service, rights) in &self.on_services {
            all.extend(listed(rights, Some(*service)));
        }
        all
    }

    /// Leaves only the permissions that `keep` says, with the codes it says.
    pub fn narrow(
        &mut self,
        keep: impl Fn(&str, &[i64]) -> Result<Option<Vec<i64>>>,
    ) -> Result<()> {
        for rights in std::iter::once(&mut self.rights).chain(self.on_services.values_mut()) {
            let mut kept = Rights::new();
            for (name, codes) in rights.iter() {
                if let Some(codes) = keep(name, codes)? {
                    kept.insert(name.clone(), codes);
                }
            }
            *rights = kept;
        }
        Ok(())
    }

    /// What is left where another's rights are needed besides one's own: the person acts for `other`.
    pub fn acting_for(self, db: &Read, other: Actor) -> Result<Actor> {
        let mut rights = Rights::new();
        for (name, codes) in &other.rights {
            if permissions::admits(name) == Some(Admits::Oneself) {
                rights.insert(name.clone(), Vec::new());
            } else {
                let own = self.rights.get(name).map_or(&[][..], Vec::as_slice);
                put(&mut rights, name, intersect(db, own, codes)?);
            }
        }
        let mut on_services: BTreeMap<ServiceId, Rights> = BTreeMap::new();
        let services = self.on_services.keys().chain(other.on_services.keys());
        for service in services {
            let mut narrow = Rights::new();
            for name in permissions::ALL.iter().map(|(name, _)| *name) {
                if permissions::is_per_service(name) {
                    let (own, theirs) =
                        (self.codes_on(name, *service), other.codes_on(name, *service));
                    put(&mut narrow, name, intersect(db, &own, &theirs)?);
                }
            }
            on_services.insert(*service, narrow);
        }
        let by = By { acting_for: Some(other.user), ..self.by };
        let requires_factor = self.requires_factor;
        Ok(Actor { by, rights, on_services, requires_factor, ..other })
    }

    fn codes_on(&self, permission: &str, service: ServiceId) -> Vec<i64> {
        let limited = self.on_services.get(&service).and_then(|rights| rights.get(permission));
        let mut codes = self.rights.get(permission).cloned().unwrap_or_default();
        limited.into_iter().flatten().for_each(|code| join(&mut codes, code / 4, code % 4));
        codes
    }

    /// Whether one of one's own rights is as much as `right`. What one does to oneself anybody covers.
    pub fn covers(&self, db: &Read, right: &Right) -> Result<bool> {
        match permissions::admits(&right.permission) {
            None | Some(Admits::Oneself) => return Ok(true),
            Some(_) => {}
        }
        let own = match right.service {
            Some(service) => self.codes_on(&right.permission, service),
            None => self.rights.get(&right.permission).cloned().unwrap_or_default(),
        };
        let (at, bits) = (right.code / 4, right.code % 4);
        for code in own {
            let same = code / 4 == at && (code % 4) & bits == bits;
            if same || ((code % 4) & 2 == 2 && guards::is_above(db, code / 4, at)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Up to three permissions of `rights` that one does not cover.
    pub fn lacks(&self, db: &Read, rights: &[Right]) -> Result<Vec<String>> {
        let mut more: Vec<String> = Vec::new();
        for right in rights {
            if more.len() == 3 {
                break;
            }
            if !more.contains(&right.permission) && !self.covers(db, right)? {
                more.push(right.permission.clone());
            }
        }
        Ok(more)
    }
}

impl<P: Permission> ServiceRights<P> {
    /// The scope for `service`: what holds for every service, and what holds for this one.
    pub fn on(&self, service: ServiceId) -> Result<Scope<P>> {
        let mut codes = self.everywhere.clone();
        for code in self.on.get(&service).into_iter().flatten() {
            join(&mut codes, code / 4, code % 4);
        }
        if codes.is_empty() {
            return Err(Error::Forbidden(format!(
                "Your right {} does not extend to this service.",
                P::NAME
            )));
        }
        Ok(Scope {
            codes: serde_json::to_string(&codes)?,
            by: self.by,
            breadths: Breadths::default(),
            permission: PhantomData,
        })
    }

    /// Whether it extends to `service` somewhere: which ones a form offers.
    pub fn extends_to(&self, service: ServiceId) -> bool {
        !self.everywhere.is_empty() || self.on.contains_key(&service)
    }

    /// Whether it reaches `customer` for some service: absent and out of reach are `NotFound`.
    pub fn reaches(&self, db: &Read, customer: CustomerId) -> Result<()> {
        let codes: Vec<i64> =
            self.everywhere.iter().chain(self.on.values().flatten()).copied().collect();
        db.one(
            "SELECT 1 FROM reach
              WHERE customer_id = :customer AND scope IN (SELECT value FROM json_each(:codes)) LIMIT 1",
            named_params! { ":codes": serde_json::to_string(&codes)?, ":customer": customer },
            |_| Ok(()),
        )
    }

    /// The customer of `user`, if it reaches that one for some service.
    pub fn home_of(&self, db: &Read, user: UserId) -> Result<CustomerId> {
        let home =
            db.one("SELECT customer_id FROM users WHERE id = ?1", [user], |row| row.get(0))?;
        self.reaches(db, home)?;
        Ok(home)
    }
}

/// What two rights have in common: at the same place the bits of both; of one place below another
/// that reaches below, the lower one.
pub fn intersect(db: &Read, a: &[i64], b: &[i64]) -> Result<Vec<i64>> {
    let mut common = Vec::new();
    for one in a {
        for other in b {
            let (here, there) = (one / 4, other / 4);
            if here == there {
                join(&mut common, here, (one % 4) & (other % 4));
            } else if (one % 4) & 2 == 2 && guards::is_above(db, here, there)? {
                join(&mut common, there, other % 4);
            } else if (other % 4) & 2 == 2 && guards::is_above(db, there, here)? {
                join(&mut common, here, one % 4);
            }
        }
    }
    Ok(common)
}

fn listed(rights: &Rights, service: Option<ServiceId>) -> Vec<Right> {
    let each =
        rights.iter().flat_map(|(permission, codes)| codes.iter().map(move |c| (permission, c)));
    each.map(|(permission, code)| Right { permission: permission.clone(), code: *code, service })
        .collect()
}

fn put(rights: &mut Rights, name: &str, codes: Vec<i64>) {
    if !codes.is_empty() {
        rights.insert(name.to_owned(), codes);
    }
}

fn join(codes: &mut Vec<i64>, at: i64, bits: i64) {
    match codes.iter_mut().find(|code| **code / 4 == at) {
        Some(code) => *code |= bits,
        None if bits > 0 => codes.push(at * 4 + bits),
        None => {}
    }
}

/// The names of the roles among `held` that are worth something, and their rights.
pub(super) fn worth(
    db: &Read,
    held: Vec<Held>,
    home: CustomerId,
) -> Result<(Vec<String>, Rights, BTreeMap<ServiceId, Rights>)> {
    let mut names: Vec<String> = Vec::new();
    let mut pairs = Vec::new();
    for held in held.into_iter().filter(|held| held.why_not.is_none()) {
        pairs.push((held.role, held.at));
        if !names.contains(&held.name) {
            names.push(held.name);
        }
    }
    let (mut rights, mut on_services) = (Rights::new(), BTreeMap::<ServiceId, Rights>::new());
    for right in rights_at(db, &pairs, home, false)? {
        let into = match right.service {
            Some(service) => on_services.entry(service).or_default(),
            None => &mut rights,
        };
        let codes = into.entry(right.permission).or_default();
        join(codes, right.code / 4, right.code % 4);
    }
    rights.retain(|name, codes| {
        !codes.is_empty() || permissions::admits(name) == Some(Admits::Oneself)
    });
    Ok((names, rights, on_services))
}

/// What the roles of `user` are worth at present.
pub(super) fn of_user(db: &Read, user: UserId, home: CustomerId) -> Result<Vec<Right>> {
    let held = held(db, user, home)?;
    let pairs: Vec<(RoleId, CustomerId)> = held
        .iter()
        .filter(|held| held.why_not.is_none())
        .map(|held| (held.role, held.at))
        .collect();
    rights_at(db, &pairs, home, false)
}

/// Every role that `user` holds, by grant or by mark, with why it is worth nothing where it is.
pub fn held(db: &Read, user: UserId, home: CustomerId) -> Result<Vec<Held>> {
    let mut all = db.all(
        "SELECT role_grants.id, role_id, roles.name, at_id, customers.name AS at_name, until_on, requires_factor
           FROM role_grants
           JOIN roles ON roles.id = role_id
           JOIN customers ON customers.id = at_id
          WHERE user_id = :user
          UNION ALL
         SELECT NULL, roles.id, roles.name, users.customer_id, customers.name, NULL, requires_factor
           FROM users
           JOIN customers ON customers.id = users.customer_id
           JOIN roles ON roles.customer_id IS NULL AND roles.held_in = 'flag'
          WHERE users.id = :user AND main_contact = 1
          ORDER BY 1",
        named_params! { ":user": user },
        |row| {
            Ok(Held {
                grant: row.get("id")?,
                role: row.get("role_id")?,
                name: row.get("name")?,
                at: row.get("at_id")?,
                at_name: row.get("at_name")?,
                until: row.get("until_on")?,
                requires_factor: row.get("requires_factor")?,
                why_not: None,
            })
        },
    )?;
    let today = match all.iter().any(|held| held.until.is_some()) {
        true => Some(today_at(db, home)?),
        false => None,
    };
    for held in &mut all {
        held.why_not = match held.until {
            Some(day) if today.is_some_and(|today| day < today) => Some("it has ended".to_owned()),
            _ if held.grant.is_none() => None,
            _ => standing(db, held.role, home, held.at)?,
        };
    }
    Ok(all)
}

fn today_at(db: &Read, home: CustomerId) -> Result<Date> {
    let zone: String = db.value("SELECT time_zone FROM customers WHERE id = ?1", [home])?;
    Ok(db.now.day(&Zone::named(&zone).unwrap_or_else(Zone::utc)))
}

/// Why `role` is worth nothing at `at` for somebody of `home`; nothing where it is.
pub fn standing(
    db: &Read,
    role: RoleId,
    home: CustomerId,
    at: CustomerId,
) -> Result<Option<String>> {
    standing_if(db, role, home, at, None)
}

/// The same, were it said of the role at that customer: inherit, allow or deny.
pub fn standing_if(
    db: &Read,
    role: RoleId,
    home: CustomerId,
    at: CustomerId,
    said: Option<(CustomerId, &str)>,
) -> Result<Option<String>> {
    let (hop, rule) = said.unwrap_or((CustomerId(0), "inherit"));
    db.one(
        "WITH said (customer_id, rule) AS (
           SELECT customer_id, rule FROM allowed_roles WHERE role_id = :role AND customer_id <> :hop
            UNION ALL SELECT :hop, :rule WHERE :rule <> 'inherit')
         SELECT held_in, allowed, at.reseller, at.name AS at_name, services.name AS service, owner.name AS owner,
                roles.service_id IS NULL OR EXISTS (
                  SELECT 1 FROM customer_services
                   WHERE customer_services.customer_id = :at AND customer_services.service_id = roles.service_id
                     AND wanted = 'on' AND live <> 'gone') AS has_service,
                roles.customer_id IS NULL OR NOT EXISTS (
                  SELECT 1 FROM json_each(json_array(:at, :home)) AS place
                   WHERE NOT EXISTS (SELECT 1 FROM customer_tree
                                      WHERE above = roles.customer_id AND below = place.value)) AS in_branch,
                (SELECT hop.name
                   FROM said
                   JOIN customer_tree ON above = said.customer_id AND below IN (:at, :home)
                   JOIN customers AS hop ON hop.id = above
                  WHERE rule = 'deny'
                  ORDER BY depth DESC LIMIT 1) AS denied_by,
                NOT EXISTS (
                  SELECT 1 FROM json_each(json_array(:at, :home)) AS place
                   WHERE NOT EXISTS (SELECT 1 FROM said
                                       JOIN customer_tree ON above = said.customer_id
                                                         AND below = place.value
                                      WHERE rule = 'allow')) AS allowed_here
           FROM roles
           JOIN customers AS at ON at.id = :at
           LEFT JOIN services ON services.id = roles.service_id
           LEFT JOIN customers AS owner ON owner.id = roles.customer_id
          WHERE roles.id = :role",
        named_params! { ":role": role, ":home": home, ":at": at, ":hop": hop, ":rule": rule },
        |row| {
            let provider = home == PROVIDER && at == PROVIDER;
            let by_default = match row.get::<_, String>("allowed")?.as_str() {
                "everywhere" => true,
                "provider" => provider,
                _ => false,
            };
            let held_in: String = row.get("held_in")?;
            if held_in == "provider" && !provider {
                return Ok(Some("only people of the provider hold it, at the provider".to_owned()));
            }
            if held_in == "reseller" && !row.get::<_, bool>("reseller")? {
                return Ok(Some("it is not a reseller".to_owned()));
            }
            if !row.get::<_, bool>("in_branch")? {
                let owner: String = row.get("owner")?;
                return Ok(Some(format!("it belongs to {owner} and holds there and below only")));
            }
            if let Some(hop) = row.get::<_, Option<String>>("denied_by")? {
                return Ok(Some(format!("it is denied at {hop}")));
            }
            if !by_default && !row.get::<_, bool>("allowed_here")? {
                return Ok(Some("nobody above allows it".to_owned()));
            }
            if !row.get::<_, bool>("has_service")? {
                let (service, at): (String, String) = (row.get("service")?, row.get("at_name")?);
                return Ok(Some(format!("{at} does not have the service {service}")));
            }
            Ok(None)
        },
    )
}

/// The rights of roles that stand somewhere, with those of the roles they include, 5 deep. `whole`
/// adds what a denied or missing part would be worth if it were not.
pub fn rights_at(
    db: &Read,
    pairs: &[(RoleId, CustomerId)],
    home: CustomerId,
    whole: bool,
) -> Result<Vec<Right>> {
    let mut rights = Vec::new();
    if pairs.is_empty() {
        return Ok(rights);
    }
    db.each(
        "WITH RECURSIVE worth (role_id, at_id, depth) AS (
           SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), 0 FROM json_each(:pairs)
            UNION
           SELECT includes_id, at_id, depth + 1
             FROM worth JOIN role_includes ON role_includes.role_id = worth.role_id
            WHERE depth < 5
              AND (:whole OR NOT EXISTS (
                    SELECT 1 FROM allowed_roles
                      JOIN customer_tree ON above = allowed_roles.customer_id AND below IN (at_id, :home)
                     WHERE allowed_roles.role_id = includes_id AND rule = 'deny')))
         SELECT role_rights.permission, reach, at_id, services,
                CASE services WHEN 'listed' THEN role_services.service_id
                              WHEN 'held' THEN customer_services.service_id END AS service_id
           FROM worth
           JOIN roles ON roles.id = worth.role_id
           JOIN role_rights ON role_rights.role_id = worth.role_id
           LEFT JOIN role_services ON services = 'listed' AND role_services.role_id = worth.role_id
                                  AND role_services.permission = role_rights.permission
           LEFT JOIN customer_services ON services = 'held' AND customer_services.customer_id = at_id
                                      AND wanted = 'on' AND live <> 'gone'
          WHERE :whole OR roles.service_id IS NULL OR EXISTS (
                  SELECT 1 FROM customer_services AS own
                   WHERE own.customer_id = at_id AND own.service_id = roles.service_id
                     AND own.wanted = 'on' AND own.live <> 'gone')",
        named_params! { ":pairs": serde_json::to_string(pairs)?, ":home": home, ":whole": whole },
        |row| {
            let permission: String = row.get("permission")?;
            let (bits, at): (i64, i64) = (row.get("reach")?, row.get("at_id")?);
            let code = match permissions::admits(&permission) {
                None => return Ok(()),
                Some(Admits::Oneself) => at * 4,
                Some(Admits::Provider) if at == PROVIDER.0 && home == PROVIDER => at * 4 + 3,
                Some(Admits::Provider) if whole => PROVIDER.0 * 4 + 3,
                Some(Admits::Provider) => return Ok(()),
                Some(admits) => at * 4 + (bits & admits.bits()),
            };
            let service: Option<ServiceId> = row.get("service_id")?;
            match row.get::<_, String>("services")?.as_str() {
                "all" => rights.push(Right { permission, code, service: None }),
                "held" => {
                    rights.push(Right { permission: permission.clone(), code, service: Some(WHATEVER) });
                    rights.extend(service.map(|id| Right { permission, code, service: Some(id) }));
                }
                _ => rights.extend(service.map(|id| Right { permission, code, service: Some(id) })),
            }
            Ok(())
        },
    )?;
    // SQLite takes twice as long for it, and this runs with every request.
    rights.sort_unstable();
    rights.dedup();
    Ok(rights)
}
