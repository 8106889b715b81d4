//! Looking through a directory: what has changed there since the last time, or all of it where it was
//! not looked at before. It reads there and keeps what it found here; see [`super::keep`].

use super::eyes::Eyes;
use super::reading::{changed, tip};
use super::{keep, store};
use crate::connectors::call;
use crate::directory::Flavour;
use crate::drivers::ldap::fault::Fault;
use crate::error::{Error, Result};
use crate::ids::EnvironmentId;
use crate::web::App;

/// What came of one look.
pub struct Told {
    pub whole: bool,
    pub counts: keep::Counts,
}

/// Looks through it and keeps what was found. `whole`: all of it.
pub fn look(app: &App, id: EnvironmentId, whole: bool) -> Result<Told> {
    let ground = app.db.read(|db| store::ground(db, id))?;
    let line = app.db.read(|db| call::line(db, ground.connector))?;
    let mut session = line.sign_in(&app.config)?.map_err(refused)?;
    let tip = tip(&mut session, &ground).map_err(refused)?;
    let mark = app.db.read(|db| store::mark(db, id, &tip.machine))?;
    let mut eyes = Eyes::new(&app.db, &ground)?;
    let delta = match (whole, &mark) {
        (false, Some(mark)) => changed(&mut session, &ground, &tip, mark).map_err(refused)?,
        _ => None,
    };
    let whole = delta.is_none();
    let gone = match delta {
        Some(delta) => eyes.delta(&mut session, &tip, delta),
        None => eyes.whole(&mut session, &tip),
    };
    let gone = gone.map_err(refused)?;
    eyes.members(&mut session, &tip).map_err(refused)?;
    eyes.managers(&mut session).map_err(refused)?;
    eyes.gone(&gone)?;
    let mut counts = keep::Counts::default();
    keep::all(&app.db, &ground, &eyes.zone, (&eyes.found, &eyes.kept), &mut counts)?;
    let now = match ground.flavour {
        Flavour::Ad => tip.mark,
        Flavour::OpenLdap => eyes.newest.max(mark.clone().unwrap_or_default()),
    };
    keep::end(&app.db, &ground, (&tip.machine, &now, mark.as_deref()), &counts)?;
    Ok(Told { whole, counts })
}

fn refused(fault: Fault) -> Error {
    Error::refused(fault.text)
}
