//! What is right and wrong with a SCIM service. It is only asked; nothing is written there.

use super::{Check, address, amber, green, red};
use crate::connectors::call::Line;
use crate::connectors::scim::{self, Features};
use crate::db::{By, Via};
use crate::drivers::scim::{Fault, Session};
use crate::error::Result;
use crate::web::App;

pub fn examine(app: &App, line: &Line) -> Result<Vec<Check>> {
    let (mut checks, reached) = address(line);
    if !reached {
        return Ok(checks);
    }
    let endpoint = line.scim(&app.config)?;
    let mut session = Session::new(&endpoint, app.db.now());
    match session.find("Users", "", 1) {
        Ok(_) => checks.push(green("Sign-in", "It lets us in and shows its users.")),
        Err(fault) => {
            checks.push(not_let_in(fault));
            return Ok(checks);
        }
    }
    match scim::ask(&mut session) {
        Ok(features) => {
            checks.extend(of_features(&features));
            app.db.write(By::portico(Via::Job), |tx| scim::keep(tx, line, &features))?;
        }
        Err(Fault::Missing) => checks.push(red(
            "Service",
            "It does not say what it can: there is no ServiceProviderConfig.",
            "Correct the address: it is the one that /Users is below.",
        )),
        Err(fault) => checks.push(red("Service", fault.text(), "See its own log.")),
    }
    Ok(checks)
}

fn not_let_in(fault: Fault) -> Check {
    match fault {
        Fault::Missing => red(
            "Sign-in",
            "There is no list of users at this address.",
            "Correct the address: it is the one that /Users is below.",
        ),
        Fault::Later { text, .. } => {
            red("Sign-in", text, "See that it runs and can be reached from this machine.")
        }
        fault => red(
            "Sign-in",
            fault.text(),
            "Put its present token or password into the credential, and see that it may read and write users and groups.",
        ),
    }
}

fn of_features(features: &Features) -> Vec<Check> {
    vec![
        match features.filter {
            true => green("Search", "Users can be looked for by their names."),
            false => red(
                "Search",
                "It cannot look for users by their names, so that nobody could tell who is there already.",
                "Ask whoever runs it whether filter can be switched on.",
            ),
        },
        match features.patch {
            true => green("Changes", "Single attributes can be changed."),
            false => {
                amber("Changes", "Only whole users and groups can be written, so that is done.", "")
            }
        },
        match features.versions {
            true => green("Versions", "It notices when two change the same at once."),
            false => amber(
                "Versions",
                "It does not notice when two change the same at once: the later one wins.",
                "",
            ),
        },
        match features.groups {
            true => green("Groups", "It has groups."),
            false => amber("Groups", "It has no groups, so rules about groups will fail.", ""),
        },
        match features.user.is_empty() {
            false => green("Attributes", format!("It knows {} attributes.", features.user.len())),
            true => amber(
                "Attributes",
                "It does not tell which attributes it knows, so those of the standard are written.",
                "",
            ),
        },
    ]
}
