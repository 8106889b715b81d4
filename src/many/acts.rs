//! What can be done to many: each act calls the function that does it to one.

use crate::auth::permissions::{
    RolesGrant, RolesRead, UsersDisable, UsersPassword, UsersRead, UsersRename, UsersUpdate,
};
use crate::auth::{Actor, Permission, Purpose};
use crate::db::{Db, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::UserId;
use crate::input::{Field, Fields, Input};
use crate::places::State;
use crate::users::fields::{EDIT, shown};
use crate::users::{self, Changed, Home, User, life};
use crate::web::App;
use crate::{roles, signin};
use serde_json::json;

words! {
    Act {
        Edit = "edit", Enable = "enable", Disable = "disable", Unlock = "unlock", Provision = "provision",
        AddRole = "add_role", TakeRole = "take_role", Link = "password_link", Expiry = "expiry", Upn = "upn",
        Undo = "undo",
    }
}

/// Fields that many may share; names and numbers are each user's own.
pub const SHARED: &[&str] = &[
    "job_title",
    "department",
    "location",
    "manager",
    "office",
    "company",
    "description",
    "employee_type",
    "cost_centre",
    "phone",
    "fax",
    "street",
    "po_box",
    "postcode",
    "city",
    "region",
    "country",
    "usage_location",
    "language",
    "time_zone",
    "web_page",
    "notes",
];

pub const INPUT: &[Field] = &[
    Field::object("set", "edit: new values by field; what is not named stays"),
    Field::list("clear", "edit: fields to empty"),
    Field::text("role", "add_role, take_role: its name"),
    Field::text("expires_on", "expiry: the last day; none: never"),
    Field::text("domain", "upn: the domain that names are to be on"),
    Field::boolean("keep_address", "upn: false lets the old name go"),
    Field::boolean("follow", "upn: false leaves the primary address as it is"),
];

/// An act with what it takes, checked as a whole.
pub struct Doing {
    pub act: Act,
    input: Input,
}

impl Act {
    /// What somebody must hold to do it to anybody.
    pub fn permission(self) -> &'static str {
        match self {
            Act::Edit | Act::Provision | Act::Undo => UsersUpdate::NAME,
            Act::Enable | Act::Disable | Act::Unlock | Act::Expiry => UsersDisable::NAME,
            Act::AddRole | Act::TakeRole => RolesGrant::NAME,
            Act::Link => UsersPassword::NAME,
            Act::Upn => UsersRename::NAME,
        }
    }

    pub fn may(self, actor: &Actor) -> bool {
        match self {
            Act::Edit | Act::Provision | Act::Undo => actor.may::<UsersUpdate>(),
            Act::Enable | Act::Disable | Act::Unlock | Act::Expiry => actor.may::<UsersDisable>(),
            Act::AddRole | Act::TakeRole => actor.may::<RolesGrant>(),
            Act::Link => actor.may::<UsersPassword>(),
            Act::Upn => actor.may::<UsersRename>(),
        }
    }

    /// Whether somebody loses something by it.
    pub fn takes(self) -> bool {
        matches!(self, Act::Disable | Act::TakeRole)
    }

    /// Whether what it did can be put back.
    pub fn can_be_undone(self) -> bool {
        matches!(self, Act::Edit | Act::Enable | Act::Disable | Act::AddRole | Act::TakeRole)
    }

    pub fn title(self) -> &'static str {
        match self {
            Act::Edit => "Edit fields",
            Act::Enable => "Enable",
            Act::Disable => "Disable",
            Act::Unlock => "Unlock",
            Act::Provision => "Apply again",
            Act::AddRole => "Add a role",
            Act::TakeRole => "Take a role",
            Act::Link => "Send a password link",
            Act::Expiry => "Set the last day",
            Act::Upn => "Change sign-in names",
            Act::Undo => "Undo",
        }
    }
}

impl Doing {
    pub fn read(act: Act, input: &Input) -> Result<Doing> {
        let mut fields = Fields::of(input, INPUT);
        match act {
            Act::Edit => edited(&mut fields),
            Act::AddRole | Act::TakeRole => {
                fields.text("role", 1..=60);
            }
            Act::Expiry => {
                fields.optional_date("expires_on");
            }
            Act::Upn => {
                fields.text("domain", 1..=253);
            }
            _ => {}
        }
        fields.finish(|| Some(Doing { act, input: input.clone() }))
    }

    /// Does it to one user; what changed, and nothing where nothing did.
    pub fn to(&self, tx: &Write, app: &App, actor: &Actor, id: UserId) -> Result<Changed> {
        let db = &app.db;
        let user = users::one(tx, &actor.scope::<UsersRead>()?, id)?;
        match self.act {
            Act::Edit => change::<UsersUpdate>(tx, actor, &user, &self.edit(&user)),
            Act::Enable => switch(&user, State::Disabled, State::Active, || {
                life::enable(db, actor, &actor.scope::<UsersDisable>()?, id)
            }),
            Act::Disable => switch(&user, State::Active, State::Disabled, || {
                life::disable(db, actor, &actor.scope::<UsersDisable>()?, id)
            }),
            Act::Unlock => {
                let standing = signin::others::standing(tx, &actor.scope::<UsersRead>()?, id)?;
                if standing.locked_until.is_none_or(|until| until <= tx.now) {
                    return Ok(Changed::new());
                }
                signin::others::unlock(app, actor, &actor.scope::<UsersDisable>()?, id)?;
                Ok(one("locked", "yes", "no"))
            }
            Act::Provision => {
                let made = life::provision(db, &actor.scope::<UsersUpdate>()?, id)?;
                Ok(match made.len() {
                    0 => Changed::new(),
                    n => one("requests", "", &n.to_string()),
                })
            }
            Act::AddRole => self.add_role(tx, db, actor, &user),
            Act::TakeRole => self.take_role(tx, db, actor, &user),
            Act::Link => {
                let scope = actor.scope::<UsersPassword>()?;
                let sent = signin::send(app, actor, &scope, id, Purpose::Password, false)?;
                Ok(one("link", "", &sent.to))
            }
            Act::Expiry => {
                let mut input = Input::default();
                input.set("expires_on", self.input.get("expires_on"));
                change::<UsersDisable>(tx, actor, &user, &input)
            }
            Act::Upn => change::<UsersRename>(tx, actor, &user, &self.renamed(&user)),
            Act::Undo => Ok(Changed::new()),
        }
    }

    fn edit(&self, user: &User) -> Input {
        let mut input = Input::default();
        for (field, value) in self.input.members("set").filter(|(_, value)| !value.is_empty()) {
            input.set(field, value);
        }
        for field in self.input.all("clear") {
            input.set(field, "");
        }
        // A manager does not report to itself: it is left as it is.
        if input.get("manager") == user.details.upn {
            input.remove("manager");
        }
        input
    }

    /// The same name on the domain that was chosen.
    fn renamed(&self, user: &User) -> Input {
        let mut input = Input::default();
        let (old, domain) = (&user.details.upn, self.input.get("domain"));
        let local = old.split('@').next().unwrap_or_default();
        let new = format!("{local}@{}", domain.trim_start_matches('@').to_lowercase());
        let said = |field: &str| !["0", "false", "no"].contains(&self.input.get(field));
        if user.details.mail == *old && said("follow") {
            input.set("mail", &new);
        }
        input.set("upn", new);
        input.set("keep_address", if said("keep_address") { "1" } else { "0" });
        input
    }

    fn add_role(&self, tx: &Write, db: &Db, actor: &Actor, user: &User) -> Result<Changed> {
        let role = self.input.get("role");
        let held = users::roles_at_home(tx, user)?;
        if held.iter().any(|each| each.eq_ignore_ascii_case(role)) {
            return Ok(Changed::new());
        }
        let mut input = Input::default();
        input.set("role", role);
        roles::grant(db, actor, &actor.scope::<RolesGrant>()?, user.id, &input)?;
        Ok(one("role", "", role))
    }

    fn take_role(&self, tx: &Write, db: &Db, actor: &Actor, user: &User) -> Result<Changed> {
        let role = self.input.get("role");
        let all = roles::grants(tx, &actor.scope::<RolesRead>()?, user.id)?;
        let found = all
            .iter()
            .find(|held| held.customer_id == user.customer && held.role.eq_ignore_ascii_case(role));
        let Some(held) = found else { return Ok(Changed::new()) };
        let scope = actor.scope::<RolesGrant>()?;
        roles::take(db, actor, &scope, user.id, held.id, &Input::default())?;
        Ok(one("role", role, ""))
    }
}

/// Puts back what a run did to one user; what was changed since is spared and named.
pub fn put_back(
    tx: &Write,
    app: &App,
    actor: &Actor,
    id: UserId,
    did: &Changed,
) -> Result<(Changed, Vec<String>)> {
    let user = users::one(tx, &actor.scope::<UsersRead>()?, id)?;
    let (mut done, mut spared) = (Changed::new(), Vec::new());
    let (now, mut input) = (user.details.input(), Input::default());
    for (field, pair) in did {
        let text = |at: usize| pair.get(at).and_then(|v| v.as_str()).unwrap_or_default();
        let (old, new) = (text(0), text(1));
        match field.as_str() {
            "state" if user.state.word() != new => spared.push(field.clone()),
            "state" => {
                let act = if old == "active" { Act::Enable } else { Act::Disable };
                let doing = Doing { act, input: Input::default() };
                done.extend(doing.to(tx, app, actor, id)?);
            }
            "role" => {
                let mut said = Input::default();
                said.set("role", if new.is_empty() { old } else { new });
                let act = if new.is_empty() { Act::AddRole } else { Act::TakeRole };
                done.extend(Doing { act, input: said }.to(tx, app, actor, id)?);
            }
            name => match EDIT.iter().find(|each| each.name == name) {
                Some(known) if shown(&now, known) == new => input.set(name, old),
                _ => spared.push(field.clone()),
            },
        }
    }
    if !input.is_empty() {
        done.extend(change::<UsersUpdate>(tx, actor, &user, &input)?);
    }
    Ok((done, spared))
}

fn edited(fields: &mut Fields) {
    let mut strange = Vec::new();
    let mut some = false;
    for (field, value) in fields.members("set") {
        some |= !value.is_empty();
        if !SHARED.contains(&field) {
            strange.push(Complaint::new("set", format!("cannot have {field} for many")));
        }
    }
    for field in fields.list::<String>("clear", SHARED.len()).unwrap_or_default() {
        some = true;
        if !SHARED.contains(&field.as_str()) {
            strange.push(Complaint::new("clear", format!("cannot have {field} for many")));
        }
    }
    if !some && strange.is_empty() {
        strange.push(Complaint::new("", "Nothing is set or cleared."));
    }
    fields.complaints(strange);
}

fn change<P: Permission>(tx: &Write, actor: &Actor, user: &User, input: &Input) -> Result<Changed> {
    let scope = actor.scope::<P>()?;
    let home = Home::of(tx, &scope, user.customer)?;
    users::change(tx, actor, &scope, &home, user, input)
}

/// From one state to the other; whoever is there already is left.
fn switch(
    user: &User,
    from: State,
    to: State,
    act: impl FnOnce() -> Result<()>,
) -> Result<Changed> {
    if user.state == to {
        return Ok(Changed::new());
    }
    act()?;
    Ok(one("state", from.word(), to.word()))
}

fn one(field: &str, old: &str, new: &str) -> Changed {
    Changed::from_iter([(field.to_owned(), json!([old, new]))])
}

/// Why it could not be done to somebody, in words.
pub fn why_not(err: Error) -> Result<String> {
    match err {
        Error::Invalid(all) => {
            let one = |each: &Complaint| match each.field.is_empty() {
                true => each.message.clone(),
                false => format!("{} {}", each.field, each.message),
            };
            Ok(all.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        Error::Forbidden(why) => Ok(format!("not permitted: {why}")),
        Error::NotFound => Ok("is not here any more".to_owned()),
        other => Err(other),
    }
}
