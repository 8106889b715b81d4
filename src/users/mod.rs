//! Users: the people of customers.
//!
//! Invariant: a user has a sign-in name and a primary address, each once in the installation; what
//! changes one writes audit and, where it is billed, ledger in its own transaction.

pub mod api;
pub mod consent;
pub mod erase;
pub mod expiry;
pub mod export;
pub mod fields;
pub mod finding;
pub mod form;
pub mod life;
pub mod lookup;
pub mod merge;
pub mod moving;
pub mod names;
pub mod memory;
pub mod pages;
pub mod photo;
pub mod told;
mod store;

pub use finding::{Badge, FILTERS, Filter, ids_of, list, store_plans};

use crate::approvals::chains::Verb;
use crate::assignments;
use crate::audit;
use crate::auth::permissions::{
    AccountUpdate, SettingsWrite, UsersCreate, UsersDisable, UsersRead, UsersRename, UsersTestFlag,
};
use crate::auth::{
    Actor, Own, PROVIDER, Permission, Scope, WITHOUT, not_last_unless_meant, not_stronger,
    not_stronger_peer, rights_at,
};
use crate::customers::patterns::Patterns;
use crate::customers::patterns::pattern::{DISPLAY, Person};
use crate::customers::properties::values::{self, Change, Kept};
use crate::customers::properties::{Holder, Property, Standing, holding, open_to};
use crate::customers::rehearsal::{self, Preview, Told};
use crate::customers::{self, Customer, domains, settings};
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, DomainId, UserId};
use crate::input::{Field, Fields, Input};
use crate::ledger::{self, Action, Kind, Row};
use crate::mail::texts;
use crate::places::State;
use crate::time::{Instant, Zone};
use fields::{DISABLE, Details, EDIT, EMERGENCY, NEW, RENAME, SignIn, TESTING, shown};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A user, whole.
pub struct User {
    pub id: UserId,
    pub customer: CustomerId,
    pub state: State,
    pub details: Details,
    pub manager_name: String,
    pub last_sign_in_at: Option<Instant>,
    pub password_set_at: Option<Instant>,
    pub version: i64,
    pub created_at: Instant,
}

/// A user in a list.
pub struct Brief {
    pub id: UserId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub state: State,
    pub badges: Vec<Badge>,
    pub display_name: String,
    pub upn: String,
    pub mail: String,
    pub job_title: String,
    pub department: String,
    pub last_sign_in_at: Option<Instant>,
}

/// The customer that users are added to, and what their names must fit.
pub struct Home {
    pub customer: Customer,
    pub usable: Vec<(DomainId, String)>,
    pub patterns: Patterns,
    /// Users that a check has counted and not kept.
    pub coming: i64,
    /// Keys of the custom properties of its users, those that are archived left out.
    pub properties: BTreeSet<String>,
}

impl Home {
    pub fn of<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Home> {
        let customer = customers::one(db, scope, id)?;
        Home::around(db, scope, customer)
    }

    /// Only if users can be added to it.
    pub fn open<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Home> {
        let customer = customers::open_for_changes(db, scope, id)?;
        Home::around(db, scope, customer)
    }

    fn around<P: Permission>(db: &Read, scope: &Scope<P>, customer: Customer) -> Result<Home> {
        let id = customer.id;
        let (usable, patterns) = (domains::usable(db, scope, id)?, Patterns::of(db, id)?);
        let properties = property_keys(db, id)?;
        Ok(Home { customer, usable, patterns, coming: 0, properties })
    }
}

/// The keys of the custom properties that a new user of the customer may have.
pub fn property_keys(db: &Read, customer: CustomerId) -> Result<BTreeSet<String>> {
    let all = holding(db, &Holder::new_user(customer))?.into_iter();
    Ok(all.filter(|each| each.archived_at.is_none()).map(|each| each.key).collect())
}

/// The names of the roles that the user holds at their own customer.
pub fn roles_at_home(db: &Read, user: &User) -> Result<Vec<String>> {
    let all = memory::store::roles(db, user.id)?;
    Ok(all.into_iter().filter(|had| had.at == user.customer).map(|had| had.role).collect())
}

words! {
    /// What became of a welcome.
    Invitation {
        Waiting = "waiting", Sent = "sent", Used = "used", Expired = "expired", Bounced = "bounced",
    }
}

/// The last welcome of the user, and when it was made or used.
pub fn invitation(db: &Read, id: UserId) -> Result<Option<(Invitation, Instant)>> {
    let Some(link) = store::last_welcome(db, id)? else { return Ok(None) };
    Ok(Some(match link {
        store::Welcome { used_at: Some(at), .. } => (Invitation::Used, at),
        store::Welcome { ref mail, made_at, .. } if mail == "failed" || mail == "suppressed" => {
            (Invitation::Bounced, made_at)
        }
        store::Welcome { expires_at, current, .. } if !current || expires_at <= db.now => {
            (Invitation::Expired, expires_at)
        }
        store::Welcome { ref mail, made_at, .. } if mail == "sent" || mail.is_empty() => {
            (Invitation::Sent, made_at)
        }
        store::Welcome { made_at, .. } => (Invitation::Waiting, made_at),
    }))
}

/// Whether anybody administrates the customer.
pub fn has_administrator(db: &Read, customer: CustomerId) -> Result<bool> {
    store::has_administrator(db, customer)
}

/// What somebody signs in as; empty where there is nothing.
pub fn sign_in_name(db: &Read, id: UserId) -> Result<String> {
    store::upn(db, id)
}

/// The departments of a customer by name, to choose from.
pub fn departments<P>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<String>> {
    store::departments(db, scope, customer)
}

/// The user, if the scope reaches it.
pub fn one<P: Permission>(db: &Read, scope: &Scope<P>, id: UserId) -> Result<User> {
    store::one(db, scope, id)
}

/// The one way a user comes to be, whichever door the request came in by.
pub fn create(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
    input: &Input,
) -> Result<UserId> {
    db.write(scope.by, |tx| {
        let home = Home::open(tx, scope, customer)?;
        add(tx, actor, scope, &home, input).map(|(id, _)| id)
    })
}

/// The same inside a transaction, for adding many: with all that is kept of the user.
pub fn add<P: Permission>(
    tx: &Write,
    actor: &Actor,
    scope: &Scope<P>,
    home: &Home,
    input: &Input,
) -> Result<(UserId, Details)> {
    let customer = &home.customer;
    consent::nobody_asks(tx, actor, customer.id, None, Verb::UserCreate)?;
    let mut base = Input::default();
    base.set("sign_in", "everything");
    let whole = input.over(base);
    let mut fields = Fields::of(&whole, NEW);
    let details = Details::read(&mut fields, &home.usable);
    let disabled = fields.flag("disabled");
    let manager = manager(tx, &mut fields, customer.id, None)?;
    if ["first_name", "last_name", "display_name"].iter().all(|f| whole.get(f).is_empty()) {
        fields.complain::<()>("display_name", "is required: give a first, last or display name");
    }
    let tests = fields.flag("test_user") == Some(true);
    if tests && !reaches::<UsersTestFlag>(tx, actor, customer.id) {
        fields.complain::<()>("test_user", format!("needs {}", UsersTestFlag::NAME));
    }
    if fields.flag("break_glass") == Some(true) && !actor.may::<SettingsWrite>() {
        fields.complain::<()>("break_glass", format!("needs {}", SettingsWrite::NAME));
    }
    if fields.flag("never_expires") == Some(true) {
        fields.complaints(may_stay(tx, home)?);
    }
    let marked = fields.flag("main_contact") == Some(true);
    fields.complaints(not_covered(tx, actor, customer.id, marked)?);
    if fields.flag("break_glass") == Some(true) && customer.id != PROVIDER {
        fields.complain::<()>("break_glass", "is for users of the provider");
    }
    fields.complaints(over_limit(tx, home)?);
    let holder = Holder::new_user(customer.id);
    let standing = || Standing::of(tx, actor, &holder);
    let more = values::said(tx, scope, standing, &holder, &mut fields)?;
    let (mut details, disabled, manager) =
        fields.finish(|| Some((details?, disabled?, manager?)))?;
    details.manager = manager;
    complete(tx, home, &mut details)?;
    can_be_written_to(tx, &details)?;
    let state = if disabled { State::Disabled } else { State::Active };
    let id = store::insert(tx, scope, home, state, &details)?;
    values::keep(tx, &Holder::user(customer.id, id), &more)?;
    let row = Row {
        user: Some(id),
        facts: facts(tx, id, state, &details)?,
        ..Row::new(Kind::User, id.0, Action::Added, customer.id)
    };
    ledger::record(tx, &row)?;
    assignments::created_user(tx, id)?;
    let detail = json!({ "name": details.display_name, "upn": details.upn });
    audit::record(tx, "user.created", ("user", id.0), customer.id, &detail)?;
    Ok((id, details))
}

/// Makes the names that nobody chose.
pub fn complete(db: &Read, home: &Home, details: &mut Details) -> Result<()> {
    let (typed, patterns) = (details.clone(), &home.patterns);
    let person = person(home, &typed);
    if details.display_name.is_empty() {
        details.display_name = patterns.display(&person).chars().take(DISPLAY).collect();
    }
    if details.display_name.is_empty() {
        details.display_name = names::display(person.first, person.last);
    }
    if details.upn.is_empty() {
        let Some((_, domain)) = home.usable.first() else {
            return Err(Error::invalid("upn", "needs a domain: the customer has none yet"));
        };
        let taken = |local: &str| store::is_taken(db, &format!("{local}@{domain}"));
        match patterns.upn(&person, taken)? {
            Some(local) => details.upn = format!("{local}@{domain}"),
            None => return Err(Error::invalid("upn", "Choose a name yourself.")),
        }
    }
    let upn = details.upn.clone();
    let (local, domain) = upn.split_once('@').unwrap_or((&upn, ""));
    let person = Person { local, ..person };
    if details.username.is_empty() {
        let taken = |name: &str| store::username_is_taken(db, home.customer.id, name);
        match patterns.username(&person, taken)? {
            Some(name) => details.username = name,
            None => return Err(Error::invalid("username", "Choose a name yourself.")),
        }
    }
    if details.mail.is_empty() {
        let taken = |name: &str| store::is_taken(db, &format!("{name}@{domain}"));
        let Some(mut all) = patterns.mail(&person, taken)? else {
            return Err(Error::invalid("mail", "Choose a name yourself."));
        };
        if all.is_empty() {
            all.push(local.to_owned());
        }
        let mut all = all.into_iter().map(|name| format!("{name}@{domain}"));
        details.mail = all.next().unwrap_or_default();
        details.addresses.extend(all);
    }
    let (upn, mail) = (details.upn.clone(), details.mail.clone());
    details.addresses.retain(|each| *each != upn && *each != mail);
    Ok(())
}

/// Where the domain of the primary address receives no mail, there is one elsewhere.
fn can_be_written_to(db: &Read, details: &Details) -> Result<()> {
    let domain = details.mail.split('@').next_back().unwrap_or_default();
    if !details.external_emails.is_empty() || domains::receives_mail(db, domain)? {
        return Ok(());
    }
    let shown = domains::readable(domain);
    Err(Error::invalid("external_emails", format!("is required: {shown} receives no mail")))
}

/// Whom the patterns make names for.
fn person<'p>(home: &'p Home, details: &'p Details) -> Person<'p> {
    Person {
        first: details.text("first_name"),
        last: details.text("last_name"),
        shown: &details.display_name,
        code: &home.customer.code,
        customer: &home.customer.details.name,
        title: details.text("job_title"),
        department: &details.department,
        employee_id: details.text("employee_id"),
        local: "",
    }
}

/// Changes what `input` names, as far as the actor may.
pub fn update<P: Permission>(
    db: &Db,
    actor: &Actor,
    scope: &Scope<P>,
    id: UserId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| update_in(tx, actor, scope, id, input, version))
}

/// The same inside a transaction.
pub fn update_in<P: Permission>(
    tx: &Write,
    actor: &Actor,
    scope: &Scope<P>,
    id: UserId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    let was = store::one(tx, scope, id)?;
    let home = Home::of(tx, scope, was.customer)?;
    if version.is_some_and(|version| version != was.version) {
        let zone = Zone::named(&home.customer.details.time_zone).unwrap_or_else(Zone::utc);
        return Err(audit::stale(tx, ("user", id.0), &zone)?);
    }
    change(tx, actor, scope, &home, &was, input).map(|_| ())
}

/// What a change would do.
pub fn plan_of_change<P: Permission>(
    db: &Db,
    actor: &Actor,
    scope: &Scope<P>,
    id: UserId,
    input: &Input,
    version: Option<i64>,
) -> Result<Preview> {
    let was = db.read(|db| store::one(db, scope, id))?;
    rehearsal::telling(db, actor, was.customer, |tx| {
        update_in(tx, actor, scope, id, input, version)?;
        let (old, new) = (&was.details, store::one(tx, scope, id)?.details);
        let renamed =
            ["first_name", "last_name"].iter().any(|name| old.text(name) != new.text(name));
        let mut warnings = Vec::new();
        if renamed && old.display_name == new.display_name {
            warnings.push(format!("The user is still shown as {}.", old.display_name));
        }
        if old.upn != new.upn && old.mail == new.mail && old.mail == old.upn {
            warnings.push(format!("The primary address stays {}.", old.mail));
        }
        Ok(Told { warnings, ..Told::default() })
    })
}

/// The same for those who hold only the right to these `group` of fields.
pub fn update_some<P: Permission>(
    db: &Db,
    actor: &Actor,
    scope: &Scope<P>,
    id: UserId,
    input: &Input,
    group: &'static [Field],
    version: Option<i64>,
) -> Result<()> {
    Fields::of(input, group).finish(|| Some(()))?;
    update(db, actor, scope, id, input, version)
}

/// Oneself, as everybody sees themselves.
pub fn oneself(db: &Read, own: &Own<AccountUpdate>) -> Result<User> {
    store::one(db, &Scope::<UsersRead>::of_system(own.by.via), own.user)
}

/// The properties that one sees of oneself, and those of them that one may change.
pub fn own_properties(
    db: &Read,
    own: &Own<AccountUpdate>,
    user: &User,
) -> Result<(Vec<Kept>, Vec<Property>)> {
    let standing = Standing::Oneself;
    let holder = Holder::user(user.customer, own.user);
    let kept = values::of(db, standing, &holder)?;
    Ok((kept, open_to(db, standing, &holder)?))
}

/// Changes what everybody may say of themselves.
pub fn update_oneself(db: &Db, own: &Own<AccountUpdate>, input: &Input) -> Result<()> {
    Fields::of(input, fields::OWN).finish(|| Some(()))?;
    db.write(own.by, |tx| {
        let was = oneself(tx, own)?;
        let reach = Scope::<UsersRead>::of_system(own.by.via);
        let home = Home::of(tx, &reach, was.customer)?;
        let standing = || Ok(Standing::Oneself);
        let weighed = weighed(tx, &reach, &home, &was, input, standing, |changed| {
            not_owned(tx, &was, changed)
        })?;
        put(tx, &reach, &home, &was, &weighed, true)
    })
}

/// What outside systems are told of a user.
const PUSHED: &[&str] = &[
    "upn",
    "mail",
    "username",
    "first_name",
    "last_name",
    "display_name",
    "department",
    "job_title",
];

/// What a change did: fields with old and new value.
pub type Changed = serde_json::Map<String, Value>;

/// The same inside a transaction, for changing many. Nothing is written where nothing changes.
pub fn change<P: Permission>(
    tx: &Write,
    actor: &Actor,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    input: &Input,
) -> Result<Changed> {
    change_telling(tx, actor, scope, home, was, input, true)
}

/// The same; `tells` says whether the user hears by mail of a new sign-in name or private address.
pub fn change_telling<P: Permission>(
    tx: &Write,
    actor: &Actor,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    input: &Input,
    tells: bool,
) -> Result<Changed> {
    altered(tx, actor, scope, home, was, input, Manner { tells, follows: false })
}

fn altered<P: Permission>(
    tx: &Write,
    actor: &Actor,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    input: &Input,
    manner: Manner,
) -> Result<Changed> {
    let standing = || Standing::of(tx, actor, &Holder::user(was.customer, was.id));
    let weighed = weighed(tx, scope, home, was, input, standing, |changed| {
        let mut all = not_permitted(tx, actor, was.customer, changed);
        all.extend(not_covered(tx, actor, was.customer, changed.contains_key("main_contact"))?);
        if !manner.follows {
            all.extend(not_owned(tx, was, changed)?);
        }
        Ok(all)
    })?;
    let changed = &weighed.changed;
    let touches = |group: &[Field]| group.iter().any(|field| changed.contains_key(field.name));
    if touches(RENAME) {
        not_stronger(tx, actor, was.id)?;
    } else if touches(DISABLE) {
        not_stronger_peer::<UsersDisable>(tx, actor, was.id)?;
    }
    if shuts_out(tx, home, &weighed.details, &weighed.changed) {
        not_last_unless_meant(tx, actor.home, was.id, weighed.meant)?;
    }
    if !manner.follows && !changed.is_empty() {
        consent::nobody_asks(tx, actor, was.customer, Some(was.id), Verb::UserChange)?;
    }
    put(tx, scope, home, was, &weighed, manner.tells)?;
    Ok(weighed.changed)
}

/// The same for what the directory says of somebody, which owns what others may not change.
pub fn follow<P: Permission>(
    tx: &Write,
    actor: &Actor,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    input: &Input,
) -> Result<Changed> {
    altered(tx, actor, scope, home, was, input, Manner { tells: true, follows: true })
}

/// How a change comes about.
#[derive(Clone, Copy)]
struct Manner {
    /// The user hears by mail of a new sign-in name or private address.
    tells: bool,
    /// The directory says so.
    follows: bool,
}

/// The fields of a user that the directory owns, and its name.
pub fn owned_fields(
    db: &Read,
    customer: CustomerId,
    id: UserId,
) -> Result<Option<(String, BTreeSet<String>)>> {
    store::owned_fields(db, customer, id)
}

/// What is changed in the directory only.
fn not_owned(db: &Read, user: &User, changed: &Changed) -> Result<Vec<Complaint>> {
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let Some((directory, owned)) = owned_fields(db, user.customer, user.id)? else {
        return Ok(Vec::new());
    };
    let message = format!("is owned by the directory {directory}: change it there");
    let theirs = changed.keys().filter(|name| owned.contains(name.as_str()));
    Ok(theirs.map(|name| Complaint::new(name.clone(), message.clone())).collect())
}

/// What an edit makes of a user.
struct Weighed {
    details: Details,
    properties: Vec<Change>,
    changed: Changed,
    /// It is confirmed that no administrator may be left.
    meant: bool,
}

/// Whether somebody cannot sign in any more after the change.
fn shuts_out(db: &Read, home: &Home, details: &Details, changed: &Changed) -> bool {
    let zone = Zone::named(&home.customer.details.time_zone).unwrap_or_else(Zone::utc);
    let past = details.expires_on.is_some_and(|day| day < db.now.day(&zone));
    (changed.contains_key("sign_in") && details.sign_in != SignIn::Everything)
        || (changed.contains_key("expires_on") && past)
}

/// Lets a name of the user go before its row is changed, for somebody who takes it in the same
/// transaction. Who gives up a name is then changed in that transaction too, or it is not kept.
pub fn pass_on(tx: &Write, scope: &Scope<UsersRename>, user: &User, name: &str) -> Result<()> {
    scope.reaches(tx, user.customer)?;
    store::drop_name(tx, user.id, name)
}

/// Reads what `input` says over what was, and what that changes.
fn weighed<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    input: &Input,
    standing: impl FnOnce() -> Result<Standing>,
    further: impl FnOnce(&Changed) -> Result<Vec<Complaint>>,
) -> Result<Weighed> {
    if matches!(was.state, State::Deleted | State::Purged) {
        return Err(is_in_state(was));
    }
    let id = was.id;
    let old = was.details.input();
    let mut whole = input.over(old.clone());
    if !input.has("keep_address") {
        whole.set("keep_address", "1");
    }
    let mut fields = Fields::of(&whole, EDIT);
    let details = Details::read(&mut fields, &home.usable);
    let (keep, meant) = (fields.flag("keep_address"), fields.flag(WITHOUT));
    let manager = manager(tx, &mut fields, was.customer, Some(id))?;
    if whole.get("upn").is_empty() {
        fields.complain::<()>("upn", "is required");
    }
    if whole.get("mail").is_empty() {
        fields.complain::<()>("mail", "choose another primary first");
    }
    let details = match details {
        Some(mut details) => {
            details.manager = manager.flatten();
            details.addresses.retain(|each| *each != details.upn && *each != details.mail);
            if keep == Some(true) && details.upn != was.details.upn {
                details.addresses.insert(was.details.upn.clone());
            }
            if details.username.is_empty() {
                details.username.clone_from(&was.details.username);
            }
            if details.display_name.is_empty() {
                let made = home.patterns.display(&person(home, &details));
                details.display_name = made.chars().take(DISPLAY).collect();
            }
            if details.display_name.is_empty() {
                fields.complain::<()>("display_name", "is required");
            }
            Some(details)
        }
        None => None,
    };
    let holder = Holder::user(was.customer, id);
    let properties = values::said(tx, scope, standing, &holder, &mut fields)?;
    let mut changed: Changed = match &details {
        Some(details) => difference(&old, &details.input()),
        None => Changed::new(),
    };
    changed.extend(values::differences(&properties));
    if details.as_ref().is_some_and(|d| d.break_glass) && was.customer != PROVIDER {
        fields.complain::<()>("break_glass", "is for users of the provider");
    }
    if changed.contains_key("never_expires") && details.as_ref().is_some_and(|d| d.never_expires) {
        fields.complaints(may_stay(tx, home)?);
    }
    fields.complaints(further(&changed)?);
    let (details, meant) = fields.finish(|| Some((details?, meant?)))?;
    Ok(Weighed { details, properties, changed, meant })
}

/// Writes it, with all that follows from it.
fn put<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    was: &User,
    weighed: &Weighed,
    tells: bool,
) -> Result<()> {
    let Weighed { details, properties, changed, .. } = weighed;
    if changed.is_empty() {
        return Ok(());
    }
    let id = was.id;
    if tells && changed.contains_key("recovery_email") {
        let what = "The private address on file for your account was changed. It counts when it is proven.";
        let subject = "Your private address was changed";
        texts::tell_user(tx, was.customer, id, "user.recovery_changed", subject, what)?;
    }
    if changed.contains_key("mail") || changed.contains_key("external_emails") {
        can_be_written_to(tx, details)?;
    }
    store::update(tx, scope, home, was, details)?;
    values::keep(tx, &Holder::user(was.customer, id), properties)?;
    if changed.contains_key("upn") || changed.contains_key("recovery_email") {
        store::raise_epoch(tx, id)?;
    }
    // A link that was mailed to an address the user has no more is nobody's.
    if ["upn", "mail", "recovery_email", "external_emails"].iter().any(|f| changed.contains_key(*f))
    {
        store::end_links(tx, id)?;
    }
    let signs_in = matches!(was.state, State::Active | State::Disabled);
    if tells && signs_in && changed.contains_key("upn") {
        let what =
            format!("You sign in as {} from now on. It was {}.", details.upn, was.details.upn);
        let subject = "Your sign-in name has changed";
        texts::tell_user(tx, was.customer, id, "user.renamed", subject, &what)?;
    }
    if changed.contains_key("test_user") && was.state != State::Deprovisioned {
        let row = Row {
            user: Some(id),
            facts: facts(tx, id, was.state, details)?,
            ..Row::new(Kind::User, id.0, Action::Changed, was.customer)
        };
        ledger::record(tx, &row)?;
    }
    if was.state != State::Deprovisioned && PUSHED.iter().any(|name| changed.contains_key(*name)) {
        assignments::update_user(tx, id)?;
    }
    let event = if changed.contains_key("upn") { "user.renamed" } else { "user.changed" };
    let detail = Value::Object(changed.clone());
    audit::record(tx, event, ("user", id.0), was.customer, &detail)
}

fn difference(old: &Input, new: &Input) -> Changed {
    EDIT.iter()
        .map(|field| (field.name, shown(old, field), shown(new, field)))
        .filter(|(name, old, new)| old != new && *name != "keep_address")
        .map(|(name, old, new)| (name.to_owned(), json!([old, new])))
        .collect()
}

fn not_permitted(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    changed: &Changed,
) -> Vec<Complaint> {
    type May = fn(&Read, &Actor, CustomerId) -> bool;
    let groups: [(&[Field], &str, May); 4] = [
        (RENAME, UsersRename::NAME, reaches::<UsersRename>),
        (DISABLE, UsersDisable::NAME, reaches::<UsersDisable>),
        (TESTING, UsersTestFlag::NAME, reaches::<UsersTestFlag>),
        (EMERGENCY, SettingsWrite::NAME, |_, actor, _| actor.may::<SettingsWrite>()),
    ];
    let mut all = Vec::new();
    for (group, name, may) in groups {
        let wanted: Vec<&Field> =
            group.iter().filter(|field| changed.contains_key(field.name)).collect();
        if !wanted.is_empty() && !may(db, actor, customer) {
            let needs = |field: &&Field| Complaint::new(field.name, format!("needs {name}"));
            all.extend(wanted.iter().map(needs));
        }
    }
    all
}

/// A main contact gets a role with the mark, which nobody gives who does not cover it.
fn not_covered(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    changes: bool,
) -> Result<Vec<Complaint>> {
    if !changes {
        return Ok(Vec::new());
    }
    let role = store::role_of_main_contacts(db)?;
    let more = actor.lacks(db, &rights_at(db, &[(role, customer)], customer, true)?)?;
    if more.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!("gives rights that you do not have: {}", more.join(", "));
    Ok(vec![Complaint::new("main_contact", message)])
}

fn may_stay(db: &Read, home: &Home) -> Result<Vec<Complaint>> {
    if settings::flag(db, home.customer.id, "never_expires_allowed")? {
        return Ok(Vec::new());
    }
    let message = format!("is not allowed at {}", home.customer.details.name);
    Ok(vec![Complaint::new("never_expires", message)])
}

/// Whether the actor may do `P` to things of the customer.
pub fn reaches<P: Permission>(db: &Read, actor: &Actor, customer: CustomerId) -> bool {
    actor.reaches::<P>(db, customer)
}

/// Appends to the ledger what a user is from now on.
fn enter(tx: &Write, action: Action, user: &User, state: State) -> Result<()> {
    let id = user.id;
    let row = Row {
        user: Some(id),
        facts: facts(tx, id, state, &user.details)?,
        ..Row::new(Kind::User, id.0, action, user.customer)
    };
    ledger::record(tx, &row).map(|_| ())
}

/// Enters a user's roles anew into the ledger, whose rows name them.
pub fn roles_changed(tx: &Write, id: UserId) -> Result<()> {
    if !ledger::is_open(tx, Kind::User, id.0)? {
        return Ok(());
    }
    let (customer, state, test_user) = store::billed(tx, id)?;
    let facts = json!({
        "disabled": state == State::Disabled, "test_user": test_user, "roles": store::roles(tx, id)?,
    });
    let row =
        Row { user: Some(id), facts, ..Row::new(Kind::User, id.0, Action::Changed, customer) };
    ledger::record(tx, &row)?;
    Ok(())
}

/// What rating reads of a user.
fn facts(db: &Read, id: UserId, state: State, details: &Details) -> Result<Value> {
    Ok(json!({
        "disabled": state == State::Disabled,
        "test_user": details.test_user,
        "roles": store::roles(db, id)?,
    }))
}

/// "{name} is {state}."
fn is_in_state(user: &User) -> Error {
    Error::refused(format!("{} is {}.", user.details.display_name, user.state.word()))
}

/// Active and disabled users count.
fn over_limit(db: &Read, home: &Home) -> Result<Vec<Complaint>> {
    let customer = &home.customer;
    let Some(limit) = customer.details.user_limit else { return Ok(Vec::new()) };
    let exist = store::count(db, customer.id)? + home.coming;
    if exist < limit {
        return Ok(Vec::new());
    }
    let text = customers::over_limit(&customer.details.name, limit, exist);
    Ok(vec![Complaint::new("", text)])
}

/// Reads the manager: a user of the same customer, by id, sign-in name or address, who does not
/// report to `user` in turn.
fn manager(
    db: &Read,
    fields: &mut Fields,
    customer: CustomerId,
    user: Option<UserId>,
) -> Result<Option<Option<UserId>>> {
    let text = fields.value("manager");
    if text.is_empty() {
        return Ok(Some(None));
    }
    let found = match text.parse::<UserId>() {
        Ok(id) => store::is_of(db, customer, id)?.then_some(id),
        Err(_) => store::by_name(db, customer, &text.to_lowercase())?,
    };
    Ok(match (found, user) {
        (None, _) => fields.complain("manager", "is not a user of this customer"),
        (Some(found), Some(user)) if store::reports_to(db, found, user)? => {
            fields.complain("manager", "would report to itself")
        }
        (found, _) => Some(found),
    })
}
