//! Taking away, now or on a later day, and taking that back.

use super::{Draft, MOST_AT_ONCE, store};
use crate::assignments::fields::When;
use crate::assignments::plan::Act;
use crate::assignments::state::Wanted;
use crate::assignments::{Held, HeldId, held, later, quote, store as rows};
use crate::auth::Permission;
use crate::auth::permissions::ResellersMake;
use crate::billing;
use crate::catalogue::{self, Service};
use crate::error::Result;
use crate::html::text::count;

impl Draft<'_> {
    /// A removal is taken back as long as nothing of it was done.
    pub(super) fn keep(&mut self, held: Held) -> Result<Act> {
        let name = held.title();
        let users = held::going_along(self.db, &held)?;
        let mut begun = rows::removal_begun(self.db, &held)?;
        for each in &users {
            begun = begun || rows::removal_begun(self.db, each)?;
        }
        if begun {
            let request =
                held.open.map_or(String::new(), |open| format!(" (request {})", open.request));
            self.refuse("", format!("{name} is being removed{request}."));
        }
        self.differ(&name, Some("being removed"), Some("kept"));
        if !users.is_empty() {
            let n = i64::try_from(users.len()).unwrap_or(i64::MAX);
            self.differ(
                &format!("{name} of {}", count(n, "user", "users")),
                Some("being removed"),
                Some("kept"),
            );
        }
        Ok(Act::Keep { held, users })
    }

    /// A removal on a later day.
    pub(super) fn later(&mut self, held: &Held, when: Option<When>) -> Result<()> {
        let zone = billing::zone(self.db)?;
        if let Some((run, at)) = later::pending_of(self.db, held.id)?
            && when.is_some()
        {
            let (name, day) = (held.title(), at.day(&zone).long());
            self.refuse(
                "not_before",
                format!("{name} is to be removed on {day} already (run {run})."),
            );
        }
        let at = match when {
            None => return Ok(()),
            Some(When::Day(day)) => day.start(&zone),
            Some(When::At(at)) => at,
        };
        if at <= self.db.now {
            self.refuse("not_before", "must be later than now");
            return Ok(());
        }
        let day = at.day(&zone).long();
        self.differ("On", None, Some(&day));
        self.warnings.push(format!("It stays as it is, and is billed, until {day}."));
        self.due = Some(at);
        Ok(())
    }

    pub(super) fn remove(&mut self, held: Held, service: &Service) -> Result<Act> {
        let name = held.title();
        if service.builtin {
            let scope = self.actor.scope::<ResellersMake>();
            if !scope.is_ok_and(|scope| scope.reaches(self.db, held.customer).is_ok()) {
                let needed = ResellersMake::NAME;
                self.refuse(
                    "",
                    format!("You may not take it: this needs the permission {needed}."),
                );
            }
            let n = store::children(self.db, held.customer)?;
            if n > 0 {
                let (who, what) = (&self.customer.name, count(n, "customer", "customers"));
                let text = format!("{who} still has {what}. Move or delete them first.");
                self.refuse("", text);
            }
        }
        for other in catalogue::needed_by(self.db, service.id)? {
            if held::holds_beside(self.db, &held, &other)? {
                self.refuse("", format!("{} needs {name}. Remove that first.", other.service.name));
            }
        }
        let users = match held.id {
            HeldId::Customer(id) => held::users_of(self.db, id, MOST_AT_ONCE + 1)?,
            HeldId::User(_) => Vec::new(),
        };
        let n = i64::try_from(users.len()).unwrap_or(i64::MAX);
        if n > MOST_AT_ONCE {
            self.refuse(
                "",
                format!("More than {MOST_AT_ONCE} users have it. Take it from some first."),
            );
        }
        self.differ(
            &name,
            Some(if held.plan_name.is_empty() { "given" } else { &held.plan_name }),
            None,
        );
        if n > 0 {
            let who = count(n, "user", "users");
            self.differ(&format!("{name} of its users"), Some(&who), None);
            self.warnings.push(format!("{who} of {} lose it too.", self.customer.name));
        }
        for each in users.iter().chain([&held]).filter(|each| each.wanted != Wanted::Gone) {
            self.changes.push(quote::removal(each));
        }
        self.gives_back(service, held.plan_id.map(|id| (id, held.plan.as_str())), 1)?;
        Ok(Act::Remove { held, users })
    }
}
