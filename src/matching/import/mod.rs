//! Import of people who have accounts already: OUs or accounts are picked, each is judged, and what
//! is certain becomes users with a link. A check does all of it and keeps nothing.
//!
//! Invariant: the same import again adds nobody and links nobody twice.

pub mod run;

use super::evidence::{Account, Candidate, Evidence, Verdict};
use super::{Areas, Judged, Site, links, look, parse, proposals, store};
use crate::auth::permissions::{UsersCreate, UsersImport, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::crash;
use crate::db::{Db, Read, Write};
use crate::drivers::ldap::name::Dn;
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::users::fields::Details;
use crate::users::{self, Home, lookup, names, reaches};
use crate::web::App;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "directory.import";

pub const WANTED: &[Field] = &[
    Field::list("ous", "names of OUs: all accounts below them"),
    Field::list("objects", "ids of single accounts"),
    Field::boolean("disabled", "accounts that are disabled there as well, as disabled users"),
];

/// Accounts that a check looks at; an import takes as many as there are.
const LOOKED_AT: usize = 5_000;

/// Rows of one transaction.
const BATCH: usize = 200;
/// Rows of one that is taken back.
const CHECK: usize = 50;

words! {
    Outcome {
        Created = "created", Linked = "linked", Known = "unchanged", Proposed = "proposed",
        Skipped = "skipped", Refused = "refused",
    }
}

/// What is to be looked at.
#[derive(Clone, Serialize, Deserialize)]
pub struct Wanted {
    pub ous: Vec<String>,
    pub objects: Vec<String>,
    pub disabled: bool,
}

/// What became of an account.
#[derive(Serialize)]
pub struct RowOut {
    pub object: String,
    pub name: String,
    pub place: String,
    pub upn: String,
    pub result: Outcome,
    pub why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Who may be meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

/// What became of all of them.
#[derive(Serialize, Default)]
pub struct Report {
    pub rows: Vec<RowOut>,
    pub created: usize,
    pub linked: usize,
    pub unchanged: usize,
    pub proposed: usize,
    pub skipped: usize,
    pub refused: usize,
    /// False for a check.
    pub written: bool,
}

pub struct Order<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub scope: &'a Scope<UsersImport>,
    pub site: &'a Site,
    pub dry_run: bool,
}

impl Wanted {
    /// Reads what was picked; all of it within what the actor may look at.
    pub fn read(db: &Read, actor: &Actor, site: &Site, input: &Input) -> Result<Wanted> {
        let mut fields = Fields::of(input, WANTED);
        let ous = fields.list::<String>("ous", 200);
        let objects = fields.list::<String>("objects", 1_000);
        let disabled = fields.flag("disabled");
        let is_id = |text: &String| {
            text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
        };
        if objects.as_ref().is_some_and(|all| !all.iter().all(is_id)) {
            fields.complain::<()>("objects", "has something that is not the id of an account");
        }
        if ous.as_ref().is_some_and(Vec::is_empty) && objects.as_ref().is_some_and(Vec::is_empty) {
            fields.complain::<()>("", "Choose at least one OU or account.");
        }
        let opens = site.opens(db, actor).and_then(|text| Dn::parse(&text).ok());
        let areas = Areas::of(db, site)?;
        for text in ous.iter().flatten() {
            match Dn::parse(text) {
                Err(why) => fields.complaints([Complaint::new("ous", format!("“{text}” {why}"))]),
                Ok(place) => {
                    let inside = |open: &Dn| place == *open || place.is_below(open);
                    if !opens.as_ref().is_some_and(inside) {
                        let text = format!("{place} is not in a part that you may look at");
                        fields.complaints([Complaint::new("ous", text)]);
                    } else if areas.holder(&place).is_some_and(|whose| whose != site.customer) {
                        let text = format!("{place} is another customer's");
                        fields.complaints([Complaint::new("ous", text)]);
                    }
                }
            }
        }
        fields.finish(|| Some(Wanted { ous: ous?, objects: objects?, disabled: disabled? }))
    }
}

/// Reads and judges what is wanted. Accounts outside what the actor may look at are left out.
pub fn judged(order: &Order, wanted: &Wanted) -> Result<Vec<Judged>> {
    let units = wanted.ous.iter().map(|text| parse(text)).collect::<Result<Vec<Dn>>>()?;
    let chosen = (units.as_slice(), wanted.objects.as_slice());
    let mut all = look(order.app, order.scope, order.site, chosen, !wanted.disabled)?;
    if order.dry_run && all.len() > LOOKED_AT {
        let text = format!(
            "{} accounts lie there, and {LOOKED_AT} can be looked at beforehand. Choose smaller OUs.",
            all.len()
        );
        return Err(Error::refused(text));
    }
    let opens = order.app.db.read(|db| Ok(order.site.opens(db, order.actor)))?;
    let opens = opens.and_then(|text| Dn::parse(&text).ok());
    all.retain(|each| {
        let place = Dn::parse(&each.account.place).ok();
        place.zip(opens.as_ref()).is_some_and(|(place, open)| place.is_below(open))
    });
    Ok(all)
}

/// Does what was judged. After each row `told` is given the transaction, its number and what became
/// of it; what it answers at the end of a batch says whether to go on.
pub fn apply(
    order: &Order,
    all: &[Judged],
    mut told: impl FnMut(&Write, usize, &RowOut) -> Result<bool>,
) -> Result<Report> {
    let mut report = Report { written: !order.dry_run, ..Report::default() };
    let size = if order.dry_run { CHECK } else { BATCH };
    let mut number = 0;
    for batch in all.chunks(size) {
        let mut on = true;
        let mut rows = Vec::new();
        let coming = if order.dry_run { report.created } else { 0 };
        let work = |tx: &Write| {
            let mut home = Home::open(tx, order.scope, order.site.customer)?;
            home.coming = i64::try_from(coming).unwrap_or(i64::MAX);
            for each in batch {
                let row = one(tx, order, &home, each)?;
                number += 1;
                on = told(tx, number, &row)?;
                rows.push(row);
            }
            Ok(())
        };
        match order.dry_run {
            true => order.app.db.rehearse(order.scope.by, work)?,
            false => order.app.db.write(order.scope.by, work)?,
        }
        report.take(rows);
        if !order.dry_run {
            crash::at("batch");
        }
        if !on {
            break;
        }
    }
    Ok(report)
}

impl Report {
    fn take(&mut self, rows: Vec<RowOut>) {
        for row in rows {
            *self.of(row.result) += 1;
            self.rows.push(row);
        }
    }

    fn of(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Linked => &mut self.linked,
            Outcome::Known => &mut self.unchanged,
            Outcome::Proposed => &mut self.proposed,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Refused => &mut self.refused,
        }
    }
}

/// One account, in a savepoint of its own: a refused one leaves nothing behind.
fn one(tx: &Write, order: &Order, home: &Home, judged: &Judged) -> Result<RowOut> {
    let Judged { account, verdict } = judged;
    let mut row = RowOut {
        object: account.object.clone(),
        name: account.name().to_owned(),
        place: account.place.clone(),
        upn: account.upn.clone(),
        result: Outcome::Refused,
        why: String::new(),
        user_id: None,
        candidates: Vec::new(),
    };
    let done = order
        .app
        .db
        .write(order.scope.by, |tx| decide(tx, order, home, account, verdict, &mut row));
    match done {
        Ok(outcome) => row.result = outcome,
        Err(err @ (Error::Invalid(_) | Error::Forbidden(_) | Error::Conflict(_))) => {
            row.why = err.to_string();
            row.user_id = None;
        }
        Err(err) => return Err(err),
    }
    if order.dry_run && row.result == Outcome::Created {
        row.user_id = None;
    }
    if row.result == Outcome::Known {
        store::moved(tx, order.site.connector, &account.object, &account.place)?;
    }
    Ok(row)
}

fn decide(
    tx: &Write,
    order: &Order,
    home: &Home,
    account: &Account,
    verdict: &Verdict,
    row: &mut RowOut,
) -> Result<Outcome> {
    let (site, at) = (order.site, order.site.customer);
    let of = (account.object.as_str(), account.place.as_str());
    match verdict {
        Verdict::Skipped(why) => {
            row.why = why.said().to_owned();
            Ok(Outcome::Skipped)
        }
        Verdict::Known(user) => {
            row.user_id = Some(*user);
            row.why = format!("Is {} here already.", lookup::shown_name(tx, *user)?);
            store::answered(tx, site.environment, at, &account.object)?;
            Ok(Outcome::Known)
        }
        Verdict::Linked(user) | Verdict::Anchored(user) => {
            may::<UsersUpdate>(tx, order.actor, at)?;
            let evidence = match verdict {
                Verdict::Linked(_) => json!([Evidence::Upn]),
                _ => json!("anchor"),
            };
            links::tie(tx, site, *user, of, &evidence)?;
            row.user_id = Some(*user);
            let comes = links::comes_with(tx, &order.app.config.key, order.actor, (at, *user))?;
            let name = lookup::shown_name(tx, *user)?;
            row.why = format!("Becomes {name}: the same sign-in name.{comes}");
            Ok(Outcome::Linked)
        }
        Verdict::Proposed { why, candidates, suggested } => {
            let case = (*why, candidates.as_slice(), suggested.as_ref());
            let waits = proposals::propose(tx, site, account, case)?;
            row.why = why.said().to_owned();
            row.candidates.clone_from(candidates);
            if !waits {
                row.why = "Was set aside before.".to_owned();
                return Ok(Outcome::Skipped);
            }
            Ok(Outcome::Proposed)
        }
        Verdict::Elsewhere => Err(Error::refused(format!("{} is in use elsewhere.", account.upn))),
        Verdict::New => {
            may::<UsersCreate>(tx, order.actor, at)?;
            let (user, left_out) = add(&order.app.db, tx, order.actor, order.scope, home, account)?;
            links::tie(tx, site, user, of, &json!("new"))?;
            row.user_id = Some(user);
            let comes = links::comes_with(tx, &order.app.config.key, order.actor, (at, user))?;
            row.why = format!("{left_out}{comes}").trim().to_owned();
            Ok(Outcome::Created)
        }
    }
}

fn may<P: Permission>(tx: &Write, actor: &Actor, customer: CustomerId) -> Result<()> {
    match reaches::<P>(tx, actor, customer) {
        true => Ok(()),
        false => Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME))),
    }
}

/// Makes a user of an account. Values that our rules refuse are left out, which the text says; a
/// name that they refuse refuses the whole.
pub fn add(
    db: &Db,
    tx: &Write,
    actor: &Actor,
    scope: &Scope<UsersImport>,
    home: &Home,
    account: &Account,
) -> Result<(UserId, String)> {
    let mut input = as_input(account, home);
    let attempt = |input: &Input| -> Result<(UserId, Details)> {
        db.write(tx.by, |tx| users::add(tx, actor, scope, home, input))
    };
    match attempt(&input) {
        Err(Error::Invalid(complaints)) => {
            let wrong: BTreeSet<&str> = complaints.iter().map(|each| each.field.as_ref()).collect();
            if !wrong
                .iter()
                .all(|name| account.fields.contains_key(*name) && *name != "display_name")
            {
                return Err(Error::Invalid(complaints));
            }
            wrong.iter().for_each(|name| input.remove(name));
            let (user, _) = attempt(&input)?;
            let told: Vec<String> =
                complaints.iter().map(|each| format!("{} {}", each.field, each.message)).collect();
            Ok((user, format!("Left out: {}.", told.join("; "))))
        }
        done => done.map(|(user, _)| (user, String::new())),
    }
}

/// The account as the form of a new user has it.
pub fn as_input(account: &Account, home: &Home) -> Input {
    let mut input = Input::default();
    for (name, value) in &account.fields {
        if name != "mail" {
            input.set(name, value);
        }
    }
    let hosted = |name: &str| {
        let host = name.rsplit_once('@').map_or("", |(_, host)| host);
        home.usable.iter().any(|(_, domain)| domain == host)
    };
    let mail = account.field("mail").to_lowercase();
    if hosted(&mail) {
        input.set("mail", &mail);
    }
    input.set("upn", if account.upn.is_empty() && hosted(&mail) { &mail } else { &account.upn });
    let (own, other): (Vec<&String>, Vec<&String>) =
        account.addresses.iter().partition(|address| hosted(address));
    own.into_iter().for_each(|address| input.push("addresses", address));
    let other = other.into_iter().filter(|address| crate::input::is_email(address)).take(5);
    other.for_each(|address| input.push("external_emails", address));
    if names::is_username(&account.username) {
        input.set("username", &account.username);
    }
    let named = ["first_name", "last_name", "display_name"];
    if named.iter().all(|name| input.get(name).is_empty()) {
        let name: String = account.name().chars().take(120).collect();
        input.set("display_name", name);
    }
    if account.disabled {
        input.set("disabled", "1");
    }
    input
}

/// Whether a row is still to be told of, in a run that goes on after a stop.
fn waits(verdict: &Verdict, skipped_told: bool) -> bool {
    match verdict {
        Verdict::Known(_) => false,
        Verdict::Skipped(_) | Verdict::Elsewhere => !skipped_told,
        Verdict::Proposed { .. } | Verdict::Linked(_) | Verdict::Anchored(_) | Verdict::New => true,
    }
}
