//! What can be done to many: each act calls the function that does it to one.

use super::run::words;
use super::{leave, relocate, services};
use crate::auth::permissions::{
    RolesGrant, RolesRead, UserServicesWrite, UsersDelete, UsersDeprovision, UsersDisable,
    UsersMove, UsersPassword, UsersRead, UsersRename, UsersUpdate,
};
use crate::auth::{Actor, LEAVES, Permission, Purpose, WITHOUT};
use crate::customers::properties::FIELD;
use crate::db::{Db, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{RunId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places::State;
use crate::users::{self, Changed, Home, User, life};
use crate::web::App;
use crate::{roles, signin};
use serde_json::json;

words! {
    Act {
        Edit = "edit", Enable = "enable", Disable = "disable", Unlock = "unlock", Provision = "provision",
        Deprovision = "deprovision", Delete = "delete", AddRole = "add_role", TakeRole = "take_role",
        GiveService = "service_give", ChangeService = "service_change", SuspendService = "service_suspend",
        ResumeService = "service_resume", EndService = "service_remove", Link = "password_link",
        Offboard = "offboard", Move = "move", Welcome = "welcome", Expiry = "expiry", Upn = "upn", Undo = "undo",
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

const SERVICE: Field = Field::text("service", "service_…: the code of a user service");
const LABEL: Field = Field::text("label", "service_…: of one of several");
const PLAN: Field = Field::text("plan", "service_give, service_change: the code of a user plan");
const SETTINGS: Field = Field::object(
    "properties",
    "service_give, service_change: values by name; what is not named stays",
);
const CLEAR: Field =
    Field::list("clear", "service_change: names of settings that are inherited again");

/// What each act takes, for the API's description and for reading.
const EDIT: &[Field] = &[
    Field::object("set", "edit: new values by field, properties by key; what is not named stays"),
    Field::list("clear", "edit: fields to empty"),
];
const ROLE_NAME: Field = Field::text("role", "add_role, take_role: its name");
const ROLE: &[Field] = &[ROLE_NAME];
const TAKE: &[Field] = &[ROLE_NAME, LEAVES];
const SHUT: &[Field] = &[LEAVES];
const EXPIRY: &[Field] = &[Field::text("expires_on", "expiry: the last day; none: never"), LEAVES];
const DELETE: &[Field] = &[
    Field::boolean("deprovision", "delete: first deprovisions who is active or disabled"),
    LEAVES,
];
pub const UPN: &[Field] = &[
    Field::text("by", "upn: domain, pattern or names; found out where it is left out"),
    Field::text("domain", "upn: the domain that names are to be on"),
    Field::text("from", "upn, by domain: only names on this one"),
    Field::text("pattern", "upn: like {first}.{last}; empty: the customer's"),
    Field::object("names", "upn, by names: new sign-in names by old ones"),
    Field::boolean("keep_address", "upn: false lets the old name go"),
    Field::boolean("follow", "upn: false leaves the primary address as it is"),
    Field::boolean("tell", "upn: true mails each of them"),
];
const ON_SERVICE: &[Field] = &[SERVICE, LABEL];
const CHANGE: &[Field] = &[SERVICE, LABEL, PLAN, SETTINGS, CLEAR];

/// An act with what it takes, checked as a whole.
pub struct Doing {
    pub act: Act,
    input: Input,
}

/// Where an act is done: by whom, and in which run, if it is not only looked at.
pub struct At<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub run: Option<RunId>,
}

impl Act {
    /// What somebody must hold to do it to anybody.
    pub fn permission(self) -> &'static str {
        match self {
            Act::Edit | Act::Provision | Act::Undo => UsersUpdate::NAME,
            Act::Enable | Act::Disable | Act::Unlock | Act::Expiry => UsersDisable::NAME,
            Act::Deprovision | Act::Offboard => UsersDeprovision::NAME,
            Act::Move => UsersMove::NAME,
            Act::Delete => UsersDelete::NAME,
            Act::AddRole | Act::TakeRole => RolesGrant::NAME,
            Act::Link | Act::Welcome => UsersPassword::NAME,
            Act::Upn => UsersRename::NAME,
            _ => UserServicesWrite::NAME,
        }
    }

    pub fn may(self, actor: &Actor) -> bool {
        match self {
            Act::Edit | Act::Provision | Act::Undo => actor.may::<UsersUpdate>(),
            Act::Enable | Act::Disable | Act::Unlock | Act::Expiry => actor.may::<UsersDisable>(),
            Act::Deprovision | Act::Offboard => actor.may::<UsersDeprovision>(),
            Act::Move => actor.may::<UsersMove>(),
            Act::Delete => actor.may::<UsersDelete>(),
            Act::AddRole | Act::TakeRole => actor.may::<RolesGrant>(),
            Act::Link | Act::Welcome => actor.may::<UsersPassword>(),
            Act::Upn => actor.may::<UsersRename>(),
            _ => actor.may::<UserServicesWrite>(),
        }
    }

    /// Whether somebody loses something by it.
    pub fn takes(self) -> bool {
        matches!(
            self,
            Act::Disable
                | Act::Deprovision
                | Act::Offboard
                | Act::Delete
                | Act::Move
                | Act::TakeRole
                | Act::SuspendService
                | Act::EndService
        )
    }

    /// Whether the password is given again for it, were it for one user.
    pub fn asks_again(self) -> bool {
        matches!(self, Act::Deprovision | Act::Offboard | Act::Delete | Act::Move)
    }

    /// Whether what it did can be put back.
    pub fn can_be_undone(self) -> bool {
        matches!(self, Act::Edit | Act::Enable | Act::Disable | Act::AddRole | Act::TakeRole)
    }

    pub fn fields(self) -> &'static [Field] {
        match self {
            Act::Edit => EDIT,
            Act::AddRole => ROLE,
            Act::TakeRole => TAKE,
            Act::Disable | Act::Deprovision => SHUT,
            Act::Expiry => EXPIRY,
            Act::Delete => DELETE,
            Act::Upn => UPN,
            Act::Offboard => leave::FIELDS,
            Act::Move => relocate::FIELDS,
            Act::ChangeService => CHANGE,
            Act::SuspendService | Act::ResumeService | Act::EndService => ON_SERVICE,
            _ => &[],
        }
    }

    /// Whether a customer may have no administrator after it, where that is meant.
    pub fn may_leave_nobody(self) -> bool {
        self.fields().iter().any(|field| field.name == WITHOUT)
    }

    pub fn title(self) -> &'static str {
        match self {
            Act::Edit => "Edit fields",
            Act::Enable => "Enable",
            Act::Disable => "Disable",
            Act::Unlock => "Unlock",
            Act::Provision => "Apply again",
            Act::Deprovision => "Deprovision",
            Act::Offboard => "Offboard",
            Act::Delete => "Delete",
            Act::Move => "Move to another customer",
            Act::AddRole => "Add a role",
            Act::TakeRole => "Take a role",
            Act::GiveService => "Give a service",
            Act::ChangeService => "Change a service",
            Act::SuspendService => "Suspend a service",
            Act::ResumeService => "Resume a service",
            Act::EndService => "End a service",
            Act::Link => "Send a password link",
            Act::Welcome => "Send a welcome",
            Act::Expiry => "Set the last day",
            Act::Upn => "Change sign-in names",
            Act::Undo => "Undo",
        }
    }
}

impl Doing {
    pub fn read(act: Act, input: &Input) -> Result<Doing> {
        let mut fields = Fields::of(input, act.fields());
        if act.may_leave_nobody() {
            fields.flag(WITHOUT);
        }
        match act {
            Act::Edit => edited(&mut fields),
            Act::AddRole | Act::TakeRole => {
                fields.text("role", 1..=60);
            }
            Act::Expiry => {
                fields.optional_date("expires_on");
            }
            Act::Delete => {
                fields.flag("deprovision");
            }
            Act::Offboard => leave::read(&mut fields),
            Act::Move => relocate::read(&mut fields),
            Act::ChangeService | Act::SuspendService | Act::ResumeService | Act::EndService => {
                fields.text("service", 1..=30);
                fields.text("label", 0..=60);
                if act == Act::ChangeService {
                    services::read(&mut fields);
                }
            }
            _ => {}
        }
        fields.finish(|| Some(Doing { act, input: input.clone() }))
    }

    /// Does it to one user; what changed, and nothing where nothing did.
    pub fn to(&self, tx: &Write, at: &At, id: UserId) -> Result<Changed> {
        let At { app, actor, .. } = at;
        let db = &app.db;
        let user = users::one(tx, &actor.scope::<UsersRead>()?, id)?;
        match self.act {
            Act::Edit => change::<UsersUpdate>(tx, actor, &user, &self.edit(&user)),
            Act::Enable => switch(&user, State::Active, || {
                life::enable(db, actor, &actor.scope::<UsersDisable>()?, id)
            }),
            Act::Disable => switch(&user, State::Disabled, || {
                life::disable(db, actor, &actor.scope::<UsersDisable>()?, id, &self.meant())
            }),
            Act::Deprovision => switch(&user, State::Deprovisioned, || {
                let scope = actor.scope::<UsersDeprovision>()?;
                life::deprovision(db, actor, &scope, id, &self.meant()).map(|_| ())
            }),
            Act::Delete => switch(&user, State::Deleted, || {
                life::delete(db, actor, &actor.scope::<UsersDelete>()?, id, &self.input).map(|_| ())
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
            Act::ChangeService | Act::SuspendService | Act::ResumeService | Act::EndService => {
                services::act(tx, at, &user, self.act, &self.input)
            }
            Act::Offboard => leave::order(tx, at, &user, &self.input),
            Act::Move => relocate::go(tx, at, &user, &self.input),
            Act::Link => self.send(at, id, Purpose::Password),
            Act::Welcome => self.send(at, id, Purpose::Welcome),
            Act::Expiry => {
                let mut input = self.meant();
                input.set("expires_on", self.input.get("expires_on"));
                change::<UsersDisable>(tx, actor, &user, &input)
            }
            // A service is given by the run that takes the seats of all of them; names are changed
            // by `names`, and what was done is put back by `back`.
            Act::GiveService | Act::Upn | Act::Undo => Ok(Changed::new()),
        }
    }

    /// What is said of the last administrator, as the act on one reads it.
    fn meant(&self) -> Input {
        let mut input = Input::default();
        if self.input.has(WITHOUT) {
            input.set(WITHOUT, self.input.get(WITHOUT));
        }
        input
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

    fn send(&self, at: &At, id: UserId, purpose: Purpose) -> Result<Changed> {
        let scope = at.actor.scope::<UsersPassword>()?;
        let sent = signin::send(at.app, at.actor, &scope, id, purpose, false)?;
        Ok(one("link", "", &sent.to))
    }

    fn add_role(&self, tx: &Write, db: &Db, actor: &Actor, user: &User) -> Result<Changed> {
        let role = self.input.get("role");
        if holds(tx, user, role)? {
            return Ok(Changed::new());
        }
        give_role(db, actor, user.id, role, "")
    }

    fn take_role(&self, tx: &Write, db: &Db, actor: &Actor, user: &User) -> Result<Changed> {
        let role = self.input.get("role");
        let all = roles::grants(tx, &actor.scope::<RolesRead>()?, user.id)?;
        let found = all
            .iter()
            .find(|held| held.customer_id == user.customer && held.role.eq_ignore_ascii_case(role));
        let Some(held) = found else { return Ok(Changed::new()) };
        let scope = actor.scope::<RolesGrant>()?;
        roles::take(db, actor, &scope, user.id, held.id, &self.meant())?;
        let mut changed = one("role", &held.role, "");
        if let Some(until) = held.until_on {
            changed.insert("until_on".to_owned(), json!([until, ""]));
        }
        Ok(changed)
    }
}

/// Whether the user holds the role at their own customer.
pub fn holds(tx: &Write, user: &User, role: &str) -> Result<bool> {
    let held = users::roles_at_home(tx, user)?;
    Ok(held.iter().any(|each| each.eq_ignore_ascii_case(role)))
}

/// Gives a role at the user's own customer, until a day or without end.
pub fn give_role(db: &Db, actor: &Actor, id: UserId, role: &str, until: &str) -> Result<Changed> {
    let mut input = Input::default();
    input.set("role", role);
    input.set("until_on", until);
    roles::grant(db, actor, &actor.scope::<RolesGrant>()?, id, &input)?;
    Ok(one("role", "", role))
}

/// Custom properties may be shared too; whether there is one is told of each user.
fn is_shared(field: &str) -> bool {
    SHARED.contains(&field) || is_property(field)
}

pub fn is_property(field: &str) -> bool {
    field.strip_prefix(FIELD).is_some_and(|key| key.starts_with('.'))
}

fn edited(fields: &mut Fields) {
    let mut strange = Vec::new();
    let mut some = false;
    for (field, value) in fields.members("set") {
        some |= !value.is_empty();
        if !is_shared(field) {
            strange.push(Complaint::new("set", format!("cannot have {field} for many")));
        }
    }
    for field in fields.list::<String>("clear", 200).unwrap_or_default() {
        some = true;
        if !is_shared(&field) {
            strange.push(Complaint::new("clear", format!("cannot have {field} for many")));
        }
    }
    if !some && strange.is_empty() {
        strange.push(Complaint::new("", "Nothing is set or cleared."));
    }
    fields.complaints(strange);
}

pub fn change<P: Permission>(
    tx: &Write,
    actor: &Actor,
    user: &User,
    input: &Input,
) -> Result<Changed> {
    let scope = actor.scope::<P>()?;
    let home = Home::of(tx, &scope, user.customer)?;
    users::change(tx, actor, &scope, &home, user, input)
}

/// Into a state; whoever is in it already is left.
fn switch(user: &User, to: State, act: impl FnOnce() -> Result<()>) -> Result<Changed> {
    if user.state == to {
        return Ok(Changed::new());
    }
    act()?;
    Ok(one("state", user.state.word(), to.word()))
}

pub fn one(field: &str, old: &str, new: &str) -> Changed {
    Changed::from_iter([(field.to_owned(), json!([old, new]))])
}

/// Why it could not be done to somebody, in words.
pub fn why_not(err: Error) -> Result<String> {
    match err {
        Error::Invalid(all) => {
            let whole = |each: &Complaint| each.field.is_empty() || each.field == WITHOUT;
            let one = |each: &Complaint| match whole(each) {
                true => each.message.clone(),
                false => format!("{} {}", words(&each.field), each.message),
            };
            Ok(all.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        Error::Forbidden(why) => Ok(format!("not permitted: {why}")),
        Error::NotFound => Ok("is not here any more".to_owned()),
        other => Err(other),
    }
}
