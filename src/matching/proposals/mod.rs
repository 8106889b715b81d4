//! What is not certain: an account and who may be meant, until somebody decides. What was set aside
//! stays away by the account's id, and comes back once when the evidence is another.

use super::evidence::{Account, Candidate, Evidence, Why};
use super::{Site, import, links, store};
use crate::audit;
use crate::auth::permissions::{UsersCreate, UsersImport, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, EnvironmentId, ProposalId, UserId};
use crate::input::{Field, Fields, Input};
use crate::secret::{self, Key};
use crate::time::Instant;
use crate::users::{Home, reaches};
use crate::web::{Listing, Paging};
use serde_json::json;
use std::collections::BTreeSet;

words! {
    State { Open = "open", Linked = "linked", Created = "created", Ignored = "ignored" }
}

pub const FILTERS: &[Field] = &[
    Field::text("state", "open (default), linked, created or ignored"),
    Field::integer("customer_id", "of this customer only"),
];

pub const LINK: &[Field] = &[Field::integer("user_id", "one of those who may be meant").required()];

pub const CREATE: &[Field] =
    &[Field::text("upn", "the sign-in name; left out: as proposed, or as the directory has it")];

pub struct Filter {
    pub state: State,
    pub customer: Option<CustomerId>,
}

/// One that is to be decided, or was.
pub struct Proposal {
    pub id: ProposalId,
    pub environment: EnvironmentId,
    pub connector: ConnectorId,
    pub directory: String,
    pub customer: CustomerId,
    pub customer_name: String,
    pub object: String,
    pub place: String,
    pub why: Why,
    pub account: Account,
    pub candidates: Vec<Candidate>,
    pub suggested: Option<String>,
    pub state: State,
    pub user: Option<UserId>,
    pub created_at: Instant,
    pub decided_at: Option<Instant>,
    pub decided_by: String,
}

/// Somebody who may be meant, with their names.
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub upn: String,
    pub evidence: BTreeSet<Evidence>,
}

/// What was decided of an object before.
pub struct Kept {
    pub id: ProposalId,
    pub state: State,
    pub digest: String,
}

/// As it is laid before people.
pub struct New {
    pub object: String,
    pub place: String,
    pub why: Why,
    pub account: String,
    pub candidates: String,
    pub suggested: Option<String>,
    pub digest: String,
}

/// Lays a case before people. Whether it waits for them: not where the same was set aside.
pub fn propose(
    tx: &Write,
    site: &Site,
    account: &Account,
    (why, candidates, suggested): (Why, &[Candidate], Option<&String>),
) -> Result<bool> {
    let candidates = serde_json::to_string(candidates)?;
    let basis = json!([why, candidates, suggested, account.upn, account.username]);
    let digest = secret::hex(&secret::sha256(basis.to_string().as_bytes()));
    let known = store::decided(tx, site.environment, site.customer, &account.object)?;
    match known {
        Some(kept) if kept.state == State::Ignored && kept.digest == digest => return Ok(false),
        Some(kept) if kept.state == State::Open && kept.digest == digest => return Ok(true),
        _ => {}
    }
    let new = New {
        object: account.object.clone(),
        place: account.place.clone(),
        why,
        account: serde_json::to_string(account)?,
        candidates,
        suggested: suggested.cloned(),
        digest,
    };
    let id = store::propose(tx, site, &new)?;
    let detail = json!({ "place": account.place, "why": why });
    audit::record(tx, "proposal.made", ("proposal", id.0), site.customer, &detail)?;
    Ok(true)
}

pub fn list(
    db: &Db,
    scope: &Scope<UsersImport>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Proposal>> {
    let rows = db.read(|db| store::proposals(db, scope, filter, paging))?;
    Ok(paging.listing(rows, |row| (String::new(), row.id.0)))
}

pub fn read_filter(input: &Input) -> Result<Filter> {
    let mut fields = Fields::of(input, FILTERS);
    let state = match input.get("state") {
        "" => Some(State::Open),
        _ => fields.parse("state"),
    };
    let customer = fields.optional("customer_id");
    fields.finish(|| Some(Filter { state: state?, customer: customer? }))
}

pub fn one(db: &Db, scope: &Scope<UsersImport>, id: ProposalId) -> Result<Proposal> {
    db.read(|db| store::proposal_of(db, scope, id))
}

/// Those who may be meant and still exist, the likeliest first.
pub fn people(db: &Read, it: &Proposal) -> Result<Vec<Person>> {
    let ids = it.candidates.iter().map(|each| each.user_id.0).collect();
    let called = store::called(db, it.customer, &ids)?;
    let all = it.candidates.iter().filter_map(|each| {
        let (id, name, upn) = called.iter().find(|(id, ..)| *id == each.user_id)?;
        let (name, upn) = (name.clone(), upn.clone());
        Some(Person { id: *id, name, upn, evidence: each.evidence.clone() })
    });
    Ok(all.collect())
}

fn open(tx: &Read, scope: &Scope<UsersImport>, id: ProposalId) -> Result<(Proposal, Site)> {
    let it = store::proposal_of(tx, scope, id)?;
    if it.state != State::Open {
        let text = format!("This was decided already: {}.", it.state.word());
        return Err(Error::refused(text));
    }
    let site = super::site(tx, it.customer)?.filter(|site| site.environment == it.environment);
    let site =
        site.ok_or_else(|| Error::refused("The customer lives in another directory now."))?;
    Ok((it, site))
}

/// The account is that user's.
pub fn link(
    (db, key): (&Db, &Key),
    actor: &Actor,
    scope: &Scope<UsersImport>,
    id: ProposalId,
    input: &Input,
) -> Result<UserId> {
    one(db, scope, id)?;
    let mut fields = Fields::of(input, LINK);
    let user: Option<UserId> = fields.parse("user_id");
    let user = fields.finish(|| user)?;
    db.write(scope.by, |tx| {
        let (it, site) = open(tx, scope, id)?;
        let person = people(tx, &it)?.into_iter().find(|each| each.id == user);
        let Some(person) = person else {
            return Err(Error::invalid("user_id", "is none of those who may be meant"));
        };
        needs::<UsersUpdate>(tx, actor, it.customer)?;
        let at = (it.customer, user);
        if let Some((object, place)) = store::object_of(tx, it.connector, at)? {
            if it.why == Why::Double {
                let text =
                    format!("{} has another account there: {place}. Unlink it first.", person.name);
                return Err(Error::refused(text));
            }
            links::unbound(tx, it.connector, at, (&object, &place))?;
        }
        store::decide(tx, id, State::Linked, Some(user))?;
        links::tie(tx, &site, user, (&it.object, &it.place), &json!(person.evidence))?;
        links::comes_with(tx, key, actor, (it.customer, user))?;
        Ok(user)
    })
}

/// The account is somebody new's.
pub fn create(
    (db, key): (&Db, &Key),
    actor: &Actor,
    scope: &Scope<UsersImport>,
    id: ProposalId,
    input: &Input,
) -> Result<UserId> {
    one(db, scope, id)?;
    let mut fields = Fields::of(input, CREATE);
    let upn = fields.text("upn", 0..=254);
    let upn = fields.finish(|| upn)?;
    db.write(scope.by, |tx| {
        let (mut it, site) = open(tx, scope, id)?;
        needs::<UsersCreate>(tx, actor, it.customer)?;
        let home = Home::open(tx, scope, it.customer)?;
        it.account.upn = match (upn.as_str(), it.suggested.take()) {
            ("", Some(suggested)) => suggested,
            ("", None) => it.account.upn,
            (typed, _) => typed.to_lowercase(),
        };
        store::decide(tx, id, State::Created, None)?;
        let (user, _) = import::add(db, tx, actor, scope, &home, &it.account)?;
        links::tie(tx, &site, user, (&it.object, &it.place), &json!("new"))?;
        links::comes_with(tx, key, actor, (it.customer, user))?;
        store::decide(tx, id, State::Created, Some(user))?;
        Ok(user)
    })
}

/// The account is nobody to look at.
pub fn ignore(db: &Db, scope: &Scope<UsersImport>, id: ProposalId) -> Result<()> {
    db.write(scope.by, |tx| {
        let it = store::proposal_of(tx, scope, id)?;
        if it.state != State::Open {
            let text = format!("This was decided already: {}.", it.state.word());
            return Err(Error::refused(text));
        }
        store::decide(tx, id, State::Ignored, None)?;
        let evidence: Vec<&BTreeSet<Evidence>> =
            it.candidates.iter().map(|each| &each.evidence).collect();
        let detail = json!({ "place": it.place, "evidence": evidence });
        audit::record(tx, "proposal.ignored", ("proposal", id.0), it.customer, &detail)
    })
}

fn needs<P: Permission>(db: &Read, actor: &Actor, customer: CustomerId) -> Result<()> {
    match reaches::<P>(db, actor, customer) {
        true => Ok(()),
        false => Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME))),
    }
}
