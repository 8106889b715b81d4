//! What one sync finds, and what it does with each finding.

use super::{Leavers, Newcomers, SetUp};
use crate::auth::permissions::{UsersDisable, UsersImport};
use crate::auth::{Actor, Scope};
use crate::brake::{Item, What};
use crate::db::Write;
use crate::drivers::ldap::name::Dn;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::Input;
use crate::matching::evidence::{Account, Verdict, Why};
use crate::matching::store::Bound;
use crate::matching::{Judged, Site, look, parse, seen, store, told};
use crate::places::State;
use crate::users::{self, Home, User, life};
use crate::web::App;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What became of a finding.
    Outcome {
        Changed = "changed", Leaver = "leaver", Suspended = "suspended", Outside = "outside",
        Pushed = "disabled_there", Refused = "refused", Unchanged = "unchanged",
    }
}

/// What a sync is about.
pub struct Order<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub scope: &'a Scope<UsersImport>,
    pub site: &'a Site,
    pub set_up: &'a SetUp,
}

/// What there is to do, in the order in which it is done.
pub enum Finding {
    /// Linked, and seen there.
    Seen(Bound, Box<Account>),
    /// Linked, active here, and disabled there.
    Disabled(Bound),
    /// Linked, and not there any more.
    Gone(Bound),
    /// Linked, and no longer in an OU that is followed.
    Outside(Bound),
    /// Disabled here, and enabled there.
    Enabled(Bound),
}

/// What became of one, for the report.
#[derive(Serialize)]
pub struct RowOut {
    pub user_id: UserId,
    pub name: String,
    pub result: Outcome,
    pub why: String,
}

pub struct Found {
    pub linked: Vec<Finding>,
    /// Accounts that are nobody's yet.
    pub others: Vec<Judged>,
}

/// Reads the directory and compares.
pub fn find(order: &Order) -> Result<Found> {
    let (site, set_up) = (order.site, order.set_up);
    let units = set_up.ous.iter().map(|text| parse(text)).collect::<Result<Vec<Dn>>>()?;
    let all = look(order.app, order.scope, site, (&units, &[]), true)?;
    let bound = order.app.db.read(|db| store::bound_users(db, site.connector, site.customer))?;
    let mut bound: BTreeMap<String, Bound> =
        bound.into_iter().map(|each| (each.object.clone(), each)).collect();
    let mut linked = Vec::new();
    let mut others = Vec::new();
    for judged in all {
        match (&judged.verdict, bound.remove(&judged.account.object)) {
            (Verdict::Known(_), Some(of)) => {
                match (of.state, judged.account.disabled) {
                    (State::Active, true) => linked.push(Finding::Disabled(of.clone())),
                    (State::Disabled, false) => linked.push(Finding::Enabled(of.clone())),
                    _ => {}
                }
                linked.push(Finding::Seen(of, Box::new(judged.account)));
            }
            // Who is passed over by nature has nothing that is followed.
            (Verdict::Skipped(_), _) => {}
            _ => others.push(judged),
        }
    }
    let objects: BTreeSet<String> = bound.keys().cloned().collect();
    let gone: BTreeSet<String> = match objects.is_empty() {
        true => BTreeSet::new(),
        false => {
            let mut session = site.sign_in(order.app)?;
            let base = site.base()?;
            let all = seen::vanished(&mut session, site.flavour, &base, &objects);
            all.map_err(told)?.into_iter().collect()
        }
    };
    for (object, of) in bound {
        linked.push(match gone.contains(&object) {
            true => Finding::Gone(of),
            false => Finding::Outside(of),
        });
    }
    if set_up.newcomers == Newcomers::Propose {
        for each in others.iter_mut().filter(|each| each.verdict == Verdict::New) {
            each.verdict =
                Verdict::Proposed { why: Why::New, candidates: Vec::new(), suggested: None };
        }
    }
    Ok(Found { linked, others })
}

/// Who would be disabled here, all of them: what the brake looks at.
pub fn leavers(order: &Order, found: &Found) -> Vec<Item> {
    if order.set_up.leavers != Leavers::Suspend {
        return Vec::new();
    }
    let leaves = found.linked.iter().filter_map(|finding| match finding {
        Finding::Disabled(of) => Some((of, "disabled there")),
        Finding::Gone(of) => Some((of, "deleted there")),
        _ => None,
    });
    let active = leaves.filter(|(of, _)| of.state == State::Active && !of.break_glass);
    let item = |(of, why): (&Bound, &str)| Item {
        what: What::Users,
        customer: order.site.customer,
        id: of.user.0,
        text: format!("{} ({}): {why}", of.name, of.upn),
    };
    active.map(item).collect()
}

/// Does one, in a savepoint of its own. Enabled accounts are left to [`super::run`]: the directory
/// is not spoken to inside a transaction.
pub fn one(order: &Order, home: &Home, finding: &Finding) -> Result<RowOut> {
    let (Finding::Seen(of, _)
    | Finding::Disabled(of)
    | Finding::Gone(of)
    | Finding::Outside(of)
    | Finding::Enabled(of)) = finding;
    let mut row = RowOut {
        user_id: of.user,
        name: of.name.clone(),
        result: Outcome::Unchanged,
        why: String::new(),
    };
    let done = order.app.db.write(order.scope.by, |tx| match finding {
        Finding::Seen(of, account) => seen_there(tx, order, home, of, account, &mut row),
        Finding::Disabled(of) => leaver(tx, order, of, "Is disabled there.", &mut row),
        Finding::Gone(of) => leaver(tx, order, of, "Was deleted there.", &mut row),
        Finding::Outside(of) => {
            row.why = format!("Lies in no OU that is followed: {}.", of.place);
            Ok(Outcome::Outside)
        }
        Finding::Enabled(_) => Ok(Outcome::Unchanged),
    });
    match done {
        Ok(outcome) => row.result = outcome,
        Err(err @ (Error::Invalid(_) | Error::Forbidden(_) | Error::Conflict(_))) => {
            row.result = Outcome::Refused;
            row.why = err.to_string();
        }
        Err(err) => return Err(err),
    }
    Ok(row)
}

fn leaver(tx: &Write, order: &Order, of: &Bound, why: &str, row: &mut RowOut) -> Result<Outcome> {
    row.why = why.to_owned();
    if of.state != State::Active {
        return Ok(Outcome::Unchanged);
    }
    if of.break_glass {
        row.why = format!("{why} Is kept for emergencies here, and stays.");
        return Ok(Outcome::Leaver);
    }
    if order.set_up.leavers == Leavers::Report {
        return Ok(Outcome::Leaver);
    }
    let scope: Scope<UsersDisable> = order.actor.scope()?;
    let disabled = life::disable(&order.app.db, order.actor, &scope, of.user, &Input::default());
    match disabled {
        Err(Error::Invalid(complaints)) => {
            let said: Vec<&str> = complaints.iter().map(|each| each.message.as_str()).collect();
            Err(Error::refused(format!("{why} {}", said.join(" "))))
        }
        done => done.map(|()| {
            store::leaver(tx, order.site.customer, of.user, why).map(|()| Outcome::Suspended)
        })?,
    }
}

fn seen_there(
    tx: &Write,
    order: &Order,
    home: &Home,
    of: &Bound,
    account: &Account,
    row: &mut RowOut,
) -> Result<Outcome> {
    let moved = of.place != account.place;
    if moved {
        store::moved(tx, order.site.connector, &account.object, &account.place)?;
        row.why = format!("Lies at {} now.", account.place);
    }
    let was = users::one(tx, order.scope, of.user)?;
    let mut input = differences(account, &was, &order.set_up.fields, home);
    let mut left_out = String::new();
    if input.is_empty() {
        return Ok(if moved { Outcome::Changed } else { Outcome::Unchanged });
    }
    let attempt = |input: &Input| {
        order
            .app
            .db
            .write(tx.by, |tx| users::follow(tx, order.actor, order.scope, home, &was, input))
    };
    let changed = match attempt(&input) {
        Err(Error::Invalid(complaints)) => {
            let wrong: BTreeSet<&str> = complaints.iter().map(|each| each.field.as_ref()).collect();
            if wrong.contains("") {
                return Err(Error::Invalid(complaints));
            }
            wrong.iter().for_each(|name| input.remove(name));
            left_out = complaints
                .iter()
                .map(|each| format!(" Left out: {} {}.", each.field, each.message))
                .collect();
            attempt(&input)?
        }
        done => done?,
    };
    if changed.is_empty() {
        row.why = left_out.trim().to_owned();
        return Ok(if left_out.is_empty() { Outcome::Unchanged } else { Outcome::Refused });
    }
    let names: Vec<&str> = changed.keys().map(String::as_str).collect();
    row.why = format!("Changed there: {}.{left_out}", names.join(", "));
    Ok(Outcome::Changed)
}

/// What the directory says otherwise, of the fields that it owns. A new address leaves the old one
/// as a further one.
fn differences(account: &Account, was: &User, owned: &BTreeSet<String>, home: &Home) -> Input {
    let now = was.details.input();
    let hosted = |name: &str| {
        let host = name.rsplit_once('@').map_or("", |(_, host)| host);
        home.usable.iter().any(|(_, domain)| domain == host)
    };
    let mut input = Input::default();
    let mut addresses: BTreeSet<&str> = was.details.addresses.iter().map(String::as_str).collect();
    for field in owned {
        let said = match field.as_str() {
            "upn" => account.upn.as_str(),
            name => account.field(name),
        };
        let said = match field.as_str() {
            "mail" => said.to_lowercase(),
            _ => said.to_owned(),
        };
        let kept = said.is_empty() && ["upn", "mail", "display_name"].contains(&field.as_str());
        let strange = ["upn", "mail"].contains(&field.as_str()) && !hosted(&said);
        if kept || strange || now.get(field) == said {
            continue;
        }
        if field == "mail" {
            addresses.insert(&was.details.mail);
        }
        input.set(field, said);
    }
    if owned.contains("mail") {
        addresses.extend(account.addresses.iter().map(String::as_str).filter(|each| hosted(each)));
        let own = |field: &str| match input.has(field) {
            true => input.get(field).to_owned(),
            false => now.get(field).to_owned(),
        };
        let own = [own("upn"), own("mail")];
        addresses.retain(|each| !own.iter().any(|name| name == each));
        let known: BTreeSet<&str> = was.details.addresses.iter().map(String::as_str).collect();
        if addresses != known {
            addresses.iter().for_each(|each| input.push("addresses", each));
        }
    }
    input
}
