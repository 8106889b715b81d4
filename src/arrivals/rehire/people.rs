//! Whom somebody who comes back reports to and leads, and the names they had.

use super::Return;
use crate::auth::Permission;
use crate::auth::permissions::UsersUpdate;
use crate::db::Write;
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::UserId;
use crate::input::Input;
use crate::users::{self, Home, lookup, reaches};

impl Return<'_> {
    /// Whether the actor may change users there: what a choice of people takes.
    fn may_change(&mut self, tx: &Write, key: &str) -> bool {
        let may = reaches::<UsersUpdate>(tx, self.actor, self.user.customer);
        if !may {
            self.complain(key, format!("needs {}", UsersUpdate::NAME));
        }
        may
    }

    pub fn manager(&mut self, tx: &Write, had: Option<UserId>) -> Result<()> {
        let user = self.user;
        if user.details.manager.is_some() {
            self.seen.back.push(format!("Manager: {}", user.manager_name));
            return Ok(());
        }
        let Some(boss) = had else { return Ok(()) };
        if lookup::is_of(tx, user.customer, boss)?
            && lookup::set_manager(tx, user.customer, user.id, boss)?
        {
            self.seen.back.push(format!("Manager: {}", lookup::shown_name(tx, boss)?));
            return Ok(());
        }
        let name = &user.details.display_name;
        let why = match lookup::is_of(tx, user.customer, boss)? {
            true => format!("{} reports to {name} now", lookup::shown_name(tx, boss)?),
            false => {
                format!("{} is no user of the customer any more", lookup::shown_name(tx, boss)?)
            }
        };
        let chosen = self.chosen("manager");
        if !chosen.is_empty() && self.may_change(tx, "manager") {
            let found = lookup::by_name(tx, user.customer, &chosen.to_lowercase())?;
            let set = match found.filter(|found| *found != user.id) {
                Some(boss) => lookup::set_manager(tx, user.customer, user.id, boss)?,
                None => false,
            };
            if !set {
                self.complain(
                    "manager",
                    "is not a user of this customer whom they could report to",
                );
            }
        }
        self.offer("manager", "Manager".to_owned(), why, Vec::new());
        Ok(())
    }

    pub fn reports(&mut self, tx: &Write, had: &[UserId]) -> Result<()> {
        let user = self.user;
        let (mut handed, mut gone) = (Vec::new(), 0);
        for report in had.iter().filter(|report| **report != user.id) {
            if !lookup::is_of(tx, user.customer, *report)? {
                gone += 1;
                continue;
            }
            let name = lookup::shown_name(tx, *report)?;
            match lookup::manager_of(tx, user.customer, *report)? {
                Some(boss) if boss == user.id => self.seen.back.push(format!("Leads {name}")),
                Some(_) => handed.push((*report, name)),
                None if lookup::set_manager(tx, user.customer, *report, user.id)? => {
                    self.seen.back.push(format!("Leads {name}"));
                }
                None => handed.push((*report, name)),
            }
        }
        if gone > 0 {
            let gone = count(gone, "user who reported is", "users who reported are");
            self.seen.not_possible.push(format!("{gone} gone"));
        }
        if handed.is_empty() {
            return Ok(());
        }
        match self.chosen("reports").as_str() {
            "" => {}
            "take" if self.may_change(tx, "reports") => {
                for (report, _) in &handed {
                    lookup::set_manager(tx, user.customer, *report, user.id)?;
                }
            }
            "take" => {}
            _ => self.complain("reports", "is not one of the choices"),
        }
        let names: Vec<&str> = handed.iter().map(|(_, name)| name.as_str()).collect();
        let options = vec![
            (String::new(), "Leave them where they are".to_owned()),
            ("take".to_owned(), "Lead them again".to_owned()),
        ];
        let text = format!("Reports: {}", names.join(", "));
        self.offer("reports", text, "Somebody else leads them now".to_owned(), options);
        Ok(())
    }

    /// Addresses that the record has lost since. What it still has was never anybody else's.
    pub fn addresses(&mut self, tx: &Write, had: &Input) -> Result<()> {
        let user = self.user;
        let own: Vec<&str> = user.details.hosted().map(|(_, name)| name).collect();
        if !own.is_empty() {
            self.seen.back.push(format!("Addresses: {}", own.join(", ")));
        }
        let then = ["upn", "mail", "addresses"].into_iter().flat_map(|field| had.all(field));
        let mut lost: Vec<String> =
            then.filter(|name| !own.contains(name)).map(str::to_owned).collect();
        lost.sort();
        lost.dedup();
        for name in lost {
            self.address(tx, &name)?;
        }
        Ok(())
    }

    fn address(&mut self, tx: &Write, name: &str) -> Result<()> {
        let key = format!("address:{name}");
        let free = self.add(name, true)?;
        let (why, options) = match free.first() {
            None => {
                let options = vec![
                    (String::new(), "Without it".to_owned()),
                    (name.to_owned(), "With it again".to_owned()),
                ];
                ("It was taken off the record since".to_owned(), options)
            }
            Some(wrong) => (format!("It {}", wrong.message), Vec::new()),
        };
        let chosen = self.chosen(&key);
        if !chosen.is_empty() && self.may_change(tx, &key) {
            for wrong in self.add(&chosen, false)? {
                self.complain(&key, wrong.message);
            }
        }
        self.offer(&key, name.to_owned(), why, options);
        Ok(())
    }

    /// Adds an address to the record, or only tries to; says what is wrong with it.
    fn add(&self, name: &str, only_try: bool) -> Result<Vec<Complaint>> {
        let Ok(scope) = self.actor.scope::<UsersUpdate>() else { return Ok(Vec::new()) };
        let tried = self.app.db.write(scope.by, |tx| {
            let user = users::one(tx, &scope, self.user.id)?;
            let mut input = Input::default();
            user.details.addresses.iter().for_each(|each| input.push("addresses", each));
            input.push("addresses", name);
            let home = Home::of(tx, &scope, user.customer)?;
            users::change(tx, self.actor, &scope, &home, &user, &input)?;
            if only_try { Err(Error::Conflict("tried".into())) } else { Ok(()) }
        });
        match tried {
            Ok(()) | Err(Error::Conflict(_)) | Err(Error::NotFound) => Ok(Vec::new()),
            Err(Error::Invalid(all)) => Ok(all),
            Err(err) => Err(err),
        }
    }
}
