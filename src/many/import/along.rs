//! What a row gives besides the fields of a form: account state, roles, services, a welcome. Each
//! goes through the function that its page calls.

use super::row::{Beside, Work};
use super::{Outcome, RowOut};
use crate::arrivals::{self, Along};
use crate::assignments::state::{Verb, Wanted};
use crate::assignments::{self, Held};
use crate::auth::Permission;
use crate::auth::permissions::{RolesGrant, ServicesRead, UserServicesWrite, UsersDisable};
use crate::db::Write;
use crate::error::{Complaint, Error, Result};
use crate::ids::UserId;
use crate::input::Input;
use crate::places::State;
use crate::roles;
use crate::sheet::Cell;
use crate::sheet::field::Field;
use crate::users::{self, Changed, User, life};
use crate::web::{App, Paging};
use serde_json::json;

/// The password was asked for when the file was sent in.
const ASKED: arrivals::Again = arrivals::UNASKED;

impl Work<'_> {
    pub fn along(
        &self,
        tx: &Write,
        id: UserId,
        was: Option<&User>,
        changes: &mut Changed,
        beside: &mut Beside,
    ) -> Result<()> {
        self.switch(was, changes)?;
        self.roles(tx, id, changes, beside)?;
        self.services(tx, id, changes)?;
        if let (Some(app), true, None) = (self.order.app, self.order.said.welcome, was) {
            let customer = self.home.customer.id;
            for each in arrivals::invite(app, self.order.actor, customer, id, tx)? {
                let mut said = super::row::whole(&each.message);
                said.column = "Welcome".to_owned();
                beside.refused.push(said);
            }
        }
        Ok(())
    }

    /// Disables and enables whoever exists, where the order wants that.
    fn switch(&self, was: Option<&User>, changes: &mut Changed) -> Result<()> {
        let (Some(was), Some(text)) = (was, self.row.text(&Field::Enabled)) else { return Ok(()) };
        if !self.order.said.state {
            return Ok(());
        }
        let (db, actor) = (self.order.db, self.order.actor);
        let to = match (was.state, text) {
            (State::Active, "no") => {
                let none = Input::default();
                life::disable(db, actor, &actor.scope::<UsersDisable>()?, was.id, &none)?;
                State::Disabled
            }
            (State::Disabled, "yes") => {
                life::enable(db, actor, &actor.scope::<UsersDisable>()?, was.id)?;
                State::Active
            }
            _ => return Ok(()),
        };
        changes.insert("state".to_owned(), json!([was.state.word(), to.word()]));
        Ok(())
    }

    /// Adds roles, each refused by itself; none is taken.
    fn roles(
        &self,
        tx: &Write,
        id: UserId,
        changes: &mut Changed,
        beside: &mut Beside,
    ) -> Result<()> {
        let Some(cell) = self.row.cells.get(&Field::Roles) else { return Ok(()) };
        let user = users::one(tx, self.order.scope, id)?;
        let held = users::roles_at_home(tx, &user)?;
        let has = |name: &str| held.iter().any(|each| each.eq_ignore_ascii_case(name));
        let mut given: Vec<&str> = Vec::new();
        for name in cell.list().filter(|name| !has(name)) {
            if !self.may.grant {
                let why = format!("needs {}", RolesGrant::NAME);
                beside.refused.push(self.notice(&Field::Roles, name, &why));
                continue;
            }
            let mut input = Input::default();
            input.set("role", name);
            let (db, actor) = (self.order.db, self.order.actor);
            let (scope, tells) = (actor.scope::<RolesGrant>()?, self.order.said.welcome);
            match roles::grant_telling(db, actor, &scope, id, &input, tells) {
                Ok(_) => given.push(name),
                Err(Error::Invalid(all)) => {
                    let why = all.iter().map(|each| each.message.as_str());
                    let why = why.collect::<Vec<_>>().join(" ");
                    beside.refused.push(self.notice(&Field::Roles, name, &why));
                }
                Err(Error::Forbidden(why)) => {
                    beside.refused.push(self.notice(&Field::Roles, name, &why));
                }
                Err(other) => return Err(other),
            }
        }
        if !given.is_empty() {
            let all: Vec<&str> = held.iter().map(String::as_str).chain(given).collect();
            changes.insert("roles".to_owned(), json!([held.join(", "), all.join(", ")]));
        }
        Ok(())
    }

    /// Gives services and changes their plans; none is ended.
    fn services(&self, tx: &Write, id: UserId, changes: &mut Changed) -> Result<()> {
        let mut gives = Along { asked: true, ..Along::default() };
        let mut has: Option<Vec<Held>> = None;
        for (field, cell) in &self.row.cells {
            let Field::Service { code, instance } = field else { continue };
            let plan = match cell {
                Cell::Clear => {
                    return Err(Error::invalid(field.to_string(), "end services on the page"));
                }
                Cell::Set(plan) => plan.as_str(),
            };
            let (Some(app), true) = (self.order.app, self.may.give) else { continue };
            let label = instance.as_deref().unwrap_or_default();
            let has = match &has {
                Some(has) => has,
                None => has.insert(self.held(tx, id)?),
            };
            let same = |held: &&Held| held.code.eq_ignore_ascii_case(code) && held.label == label;
            match has.iter().find(same) {
                Some(held) if held.plan.eq_ignore_ascii_case(plan) => {}
                Some(held) => {
                    self.change_plan(tx, app, id, held, plan)
                        .map_err(|err| at_column(err, field))?;
                    changes.insert(field.to_string(), json!([held.plan, plan]));
                }
                None => {
                    let mut had = arrivals::had(code, plan);
                    had.label = label.to_owned();
                    gives.services.push(had);
                    changes.insert(field.to_string(), json!(["", plan]));
                }
            }
        }
        let (Some(app), false) = (self.order.app, gives.services.is_empty()) else { return Ok(()) };
        let customer = self.home.customer.id;
        let refused = arrivals::give(tx, app, self.order.actor, customer, id, &gives, ASKED)?;
        match refused.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(
                refused.into_iter().map(|why| Complaint::new("", why)).collect(),
            )),
        }
    }

    fn held(&self, tx: &Write, id: UserId) -> Result<Vec<Held>> {
        let scope = self.order.actor.scope::<ServicesRead>()?;
        let mut all = assignments::of_user(tx, &scope, id, &Paging::first(500))?.items;
        all.retain(|held| held.wanted != Wanted::Gone);
        Ok(all)
    }

    fn change_plan(
        &self,
        tx: &Write,
        app: &App,
        id: UserId,
        held: &Held,
        plan: &str,
    ) -> Result<()> {
        let actor = self.order.actor;
        let scope = actor.service_rights::<UserServicesWrite>()?;
        let assignments::HeldId::User(number) = held.id else { return Ok(()) };
        let mut input = Input::default();
        input.set("plan", plan);
        let order = assignments::for_user(tx, &scope, id, Verb::Change, Some(number), input)?;
        assignments::carry_out(&app.db, &app.config.key, actor, &scope, &order).map(|_| ())
    }

    /// Gives what a template wishes for; what cannot be given is told.
    pub fn give_along(
        &self,
        tx: &Write,
        id: UserId,
        mut along: Along,
        beside: &mut Beside,
    ) -> Result<()> {
        along.quiet = !self.order.said.welcome;
        let Some(app) = self.order.app else { return Ok(()) };
        let customer = self.home.customer.id;
        for why in arrivals::give(tx, app, self.order.actor, customer, id, &along, ASKED)? {
            beside.notices.push(self.notice(&Field::Template, "", &why));
        }
        Ok(())
    }
}

fn at_column(err: Error, field: &Field) -> Error {
    match err {
        Error::Invalid(all) => Error::Invalid(
            all.into_iter().map(|each| Complaint::new(field.to_string(), each.message)).collect(),
        ),
        Error::Forbidden(why) => Error::invalid(field.to_string(), why),
        other => other,
    }
}

impl RowOut {
    /// Whether importing it does something.
    pub fn is_good(&self) -> bool {
        matches!(self.result, Outcome::Created | Outcome::Updated)
    }
}
