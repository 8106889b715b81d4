//! Whether a lock keeps people out of an OpenLDAP: tried on an account that is made for that and
//! deleted again. Without a policy that has `pwdLockout`, a lock is written and means nothing.

use super::{Check, amber, green, red};
use crate::connectors::store::{self, Base};
use crate::db::{By, Via};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::{self, Fault};
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::drivers::ldap::pipe::Server;
use crate::drivers::ldap::session::{self, At, Change, Session};
use crate::secret::{self, Secret};
use crate::web::App;

const WHAT: &str = "Locks";
const FIX: &str = "Give the password policy that holds there pwdLockout TRUE, or choose another way for disabled accounts in the directory.";

/// Tries it in each directory that keeps accounts out so, and remembers what came of it.
pub fn examine(
    app: &App,
    server: &Server,
    session: &mut Session,
    bases: &[Base],
) -> Result<Vec<Check>, Fault> {
    let mut checks = Vec::new();
    for base in bases.iter().filter(|base| base.locks) {
        let Ok(place) = Dn::parse(&base.name) else { continue };
        let (holds, check) = tried(server, session, &place)?;
        if let Some(holds) = holds {
            app.db.write(By::portico(Via::Job), |tx| store::lock_tried(tx, base.id, holds))?;
        }
        checks.push(check);
    }
    Ok(checks)
}

fn tried(
    server: &Server,
    session: &mut Session,
    place: &Dn,
) -> Result<(Option<bool>, Check), Fault> {
    let name = format!("portico-check-{}", secret::hex(&secret::random::<6>()?));
    let step = Rdn::new("uid", &name).map_err(Fault::refused)?;
    let probe = place.child(step);
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let account = [
        ("objectClass".to_owned(), vec![b"inetOrgPerson".to_vec()]),
        one("uid", &name),
        one("cn", "Portico check"),
        one("sn", "Portico check"),
    ];
    if let Err(fault) = session.add(&probe, &account) {
        let text = format!("No account could be made in {place} to try a lock on. {}", fault.text);
        return Ok((None, amber(WHAT, text, "Let the account make accounts there.")));
    }
    let said = with_probe(server, session, &probe);
    let deleted = session.delete(&At::Named(probe.clone()));
    let said = said?;
    deleted?;
    Ok(said)
}

fn with_probe(
    server: &Server,
    session: &mut Session,
    probe: &Dn,
) -> Result<(Option<bool>, Check), Fault> {
    let password = ad::random_password()?;
    session.set_password(probe, &password)?;
    if let Err(fault) = enter(server, probe, &password) {
        let text = format!("An account made to try a lock on could not sign in. {}", fault.text);
        return Ok((None, amber(WHAT, text, "Let accounts below the base sign in.")));
    }
    let lock = Change::Set("pwdAccountLockedTime".into(), vec![b"000001010000Z".to_vec()]);
    if let Err(fault) = session.modify(&At::Named(probe.clone()), &[lock]) {
        let text = format!("No account can be locked. {}", fault.text);
        let fix = "Load the overlay ppolicy for this part of the directory and let the account write pwdAccountLockedTime, or choose another way for disabled accounts in the directory.";
        return Ok((Some(false), red(WHAT, text, fix)));
    }
    Ok(match enter(server, probe, &password) {
        Err(fault) if fault.is(fault::WRONG_PASSWORD) => {
            (Some(true), green(WHAT, "An account was locked and could not sign in any more."))
        }
        Err(fault) => return Err(fault),
        Ok(()) => (
            Some(false),
            red(
                WHAT,
                "An account was locked and could sign in all the same: the password policy there has no pwdLockout.",
                FIX,
            ),
        ),
    })
}

fn enter(server: &Server, name: &Dn, password: &Secret) -> Result<(), Fault> {
    let mut session = session::open(server)?;
    session.bind(&name.to_string(), password)
}
