//! The steps of a plan: what the rules come to for the assignment as the plan leaves it.

use super::{Draft, is_idle};
use crate::assignments::plan::{self, Act, Gift, Step};
use crate::assignments::state::{Live, Wanted};
use crate::assignments::{Held, HeldId, document, store as rows};
use crate::catalogue::Level;
use crate::engine::rules::plan::Book;
use crate::engine::{Document, NewStep};
use crate::error::{Complaint, Result};
use crate::ids::{CustomerServiceId, ServiceId, UserServiceId};

impl Draft<'_> {
    /// The work outside; none where nothing outside would change.
    pub(super) fn steps(&mut self, act: &Act, service: ServiceId, what: &str) -> Result<Vec<Step>> {
        let idle = match act {
            Act::Give(_) | Act::Change { .. } | Act::Provision { .. } | Act::Keep { .. } => false,
            Act::Suspend { held } => held.wanted != Wanted::On || is_idle(held),
            Act::Resume { held } => held.reasons.len() > 1 || is_idle(held),
            Act::Remove { held, .. } => is_idle(held) && !rows::anything_made(self.db, held.id)?,
        };
        let mut all = Vec::new();
        if let Act::Remove { users, .. } = act
            && !users.is_empty()
        {
            let event = format!("user_service.{what}");
            let book = plan::rules(self.db, self.order.customer, service, &event)?;
            self.basis.push(plan::rule_versions(&book, service, &event));
            all.extend(self.for_many(&book, users, &event)?);
            self.each_asks = book.asks();
        }
        if !idle {
            let event = format!("{}_service.{what}", self.level().word());
            let book = plan::rules(self.db, self.order.customer, service, &event)?;
            self.basis.push(plan::rule_versions(&book, service, &event));
            let planned = plan::planned(self.db, &book, || self.described(act))?;
            self.refusals.extend(planned.refusals.into_iter().map(|text| Complaint::new("", text)));
            all.extend(plan::shown(self.db, planned.steps, &event, 1)?);
        }
        for (seq, step) in (1..).zip(all.iter_mut()) {
            step.seq = seq;
        }
        Ok(all)
    }

    /// What is done for each of those who lose it, and for how many: what a rule asks of one may not
    /// hold for another.
    fn for_many(&mut self, book: &Book, users: &[Held], event: &str) -> Result<Vec<Step>> {
        let mut times: Vec<(NewStep, i64)> = Vec::new();
        if book.asks() {
            for held in users {
                let planned =
                    plan::planned(self.db, book, || document::of_held(self.db, held, &[]))?;
                for text in planned.refusals {
                    let who = rows::holder_name(self.db, held)?;
                    self.refuse("", format!("{who}: {text}"));
                }
                for step in planned.steps {
                    match times.iter_mut().find(|(other, _)| other.key == step.key) {
                        Some((_, times)) => *times += 1,
                        None => times.push((step, 1)),
                    }
                }
            }
        } else {
            let all = i64::try_from(users.len()).unwrap_or(i64::MAX);
            let planned = book.plan(&Document::default(), self.db.now);
            times.extend(planned.steps.into_iter().map(|step| (step, all)));
        }
        let mut shown = Vec::new();
        for (step, times) in times {
            shown.extend(plan::shown(self.db, vec![step], event, times)?);
        }
        Ok(shown)
    }

    /// The assignment as the plan leaves it, for rules that ask.
    fn described(&self, act: &Act) -> Result<Document> {
        match act {
            Act::Give(gift) => match self.gifted(gift) {
                Some(held) => document::of_held(self.db, &held, &gift.values),
                None => Ok(Document::default()),
            },
            Act::Change { held, plan, values, .. } => {
                let held = Held { plan_id: plan.or(held.plan_id), ..held.clone() };
                document::of_held(self.db, &held, values)
            }
            Act::Keep { held, .. } => {
                let wanted = if held.reasons.is_empty() { Wanted::On } else { Wanted::Suspended };
                document::of_held(self.db, &Held { wanted, ..held.clone() }, &[])
            }
            Act::Provision { held }
            | Act::Suspend { held }
            | Act::Resume { held }
            | Act::Remove { held, .. } => document::of_held(self.db, held, &[]),
        }
    }

    /// What is given, as if it were there; none where what it would stand on is missing, which is
    /// refused anyway.
    fn gifted(&self, gift: &Gift) -> Option<Held> {
        let id = match self.level() {
            Level::User => HeldId::User(UserServiceId(0)),
            Level::Customer => HeldId::Customer(CustomerServiceId(0)),
        };
        let below = match self.level() {
            Level::User => gift.below?,
            Level::Customer => CustomerServiceId(0),
        };
        Some(Held {
            id,
            customer: self.order.customer,
            user: self.order.user,
            customer_service: below,
            service: gift.service.id,
            code: gift.service.code.clone(),
            name: gift.service.name.clone(),
            by_user: gift.service.kind == Level::User,
            multi: gift.service.multi,
            builtin: gift.service.builtin,
            plan_id: gift.plan,
            plan: String::new(),
            plan_name: String::new(),
            label: gift.label.clone(),
            wanted: if gift.reasons.is_empty() { Wanted::On } else { Wanted::Suspended },
            live: Live::Never,
            live_plan_id: None,
            version: 0,
            since: self.db.now,
            reasons: gift.reasons.clone(),
            open: None,
            last: None,
            users: 0,
        })
    }
}
