//! Services and roles of somebody who comes back.

use super::super::{Along, give, may_give};
use super::Return;
use crate::assignments::{self, Had};
use crate::db::Write;
use crate::error::Result;
use crate::users::memory::HadRole;

impl Return<'_> {
    /// Each as it was, as long as one more could be given: one may need another. What is left may
    /// have a plan of the same service that can be had.
    pub fn services(&mut self, tx: &Write, had: Vec<Had>) -> Result<()> {
        let mut waiting: Vec<(Had, String)> =
            had.into_iter().map(|had| (had, String::new())).collect();
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for (had, _) in waiting {
                match self.give(tx, &had)? {
                    None => self.seen.back.push(named(&had)),
                    Some(why) => still.push((had, why)),
                }
            }
            waiting = still;
            if waiting.len() == before || waiting.is_empty() {
                break;
            }
        }
        for (had, why) in waiting {
            self.otherwise(tx, had, why)?;
        }
        Ok(())
    }

    /// Gives it, or says why not.
    fn give(&self, tx: &Write, had: &Had) -> Result<Option<String>> {
        let one = Along { services: vec![had.clone()], ..Along::default() };
        let user = self.user;
        let why = give(tx, self.app, self.actor, user.customer, user.id, &one, self.again)?;
        Ok((!why.is_empty()).then(|| why.join(" ")))
    }

    fn otherwise(&mut self, tx: &Write, had: Had, why: String) -> Result<()> {
        let key = match had.label.as_str() {
            "" => format!("service:{}", had.service),
            label => format!("service:{}/{label}", had.service),
        };
        let mut options = Vec::new();
        if may_give(tx, self.actor, self.user.customer) {
            for (value, words, _) in assignments::offered(tx, self.user.customer)? {
                if let Some((service, plan)) = value.split_once('/')
                    && service == had.service
                    && plan != had.plan
                {
                    options.push((plan.to_owned(), words.clone()));
                }
            }
        }
        if options.is_empty() {
            self.seen.not_possible.push(why);
            return Ok(());
        }
        options.insert(0, (String::new(), "Without it".to_owned()));
        let chosen = self.chosen(&key);
        if !chosen.is_empty() {
            // Values that were set belong to the service; a plan may refuse them all the same.
            let other = Had { plan: chosen.clone(), ..had.clone() };
            let wrong = match options.iter().any(|(plan, _)| *plan == chosen) {
                true => self.give(tx, &other)?,
                false => Some("is not one of the choices".to_owned()),
            };
            if let Some(wrong) = wrong {
                self.complain(&key, wrong);
            }
        }
        self.offer(&key, named(&had), why, options);
        Ok(())
    }

    /// Only what the actor may give today, and only at the user's own customer.
    pub fn roles(&mut self, tx: &Write, had: Vec<HadRole>) -> Result<()> {
        let user = self.user;
        for had in had {
            if had.at != user.customer {
                let why = format!("{}: it stood at another customer", had.role);
                self.seen.not_possible.push(why);
                continue;
            }
            let (roles, until) = (vec![had.role.clone()], had.until);
            let one = Along { roles, until, ..Along::default() };
            let why = give(tx, self.app, self.actor, user.customer, user.id, &one, self.again)?;
            if why.is_empty() {
                self.seen.back.push(had.role);
            } else {
                self.seen.not_possible.extend(why);
            }
        }
        Ok(())
    }
}

fn named(had: &Had) -> String {
    let name = match had.label.as_str() {
        "" => had.name.clone(),
        label => format!("{} {label}", had.name),
    };
    match had.plan_name.as_str() {
        "" => name,
        plan => format!("{name}, {plan}"),
    }
}
