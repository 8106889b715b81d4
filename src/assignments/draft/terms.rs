//! The terms of an order: the values of properties, what is counted of them, limits.

use super::{Draft, counter};
use crate::assignments::amounts::{self, Amount};
use crate::assignments::fields::CHANGE;
use crate::assignments::plan::{Counted, Diff, Limits, Seat};
use crate::assignments::{held, properties};
use crate::catalogue::properties::{Standing, Typed};
use crate::catalogue::{self, Level, Service};
use crate::error::{Error, Result};
use crate::ids::{CustomerServiceId, PlanId};
use crate::input::{Fields, Input};
use crate::kinds::Type;
use crate::offers::{self, Meter, More, Tally};

impl Draft<'_> {
    /// What is to be stored of the service's properties; nothing where that changes nothing.
    pub(super) fn values(&mut self, service: &Service, typed: Typed) -> Result<Typed> {
        let id = self.own_id();
        let standing = catalogue::properties::standing(self.actor, self.order.customer);
        let order = properties::order(service, id, standing, &typed, self.order.customer);
        let (changes, complaints) = catalogue::properties::changes(self.db, &order)?;
        self.refusals.extend(complaints);
        let none = changes.is_empty();
        self.diffs.extend(changes.into_iter().map(|change| Diff {
            field: change.label,
            before: change.before,
            after: change.after,
            of_value: true,
        }));
        Ok(if none { Vec::new() } else { typed })
    }

    /// Refuses what would have to do without a value that it needs.
    pub(super) fn require(
        &mut self,
        service: &Service,
        plan: Option<PlanId>,
        below: Option<CustomerServiceId>,
        typed: &Typed,
    ) -> Result<()> {
        let order = self.order;
        let own = self.own_id();
        let asked = properties::wanted(self.db, order.customer, service.id, own, plan, below)?;
        let standing = catalogue::properties::standing(self.actor, order.customer);
        let typed = properties::order(service, own, standing, typed, order.customer);
        let level = self.level();
        self.refusals.extend(catalogue::properties::missing(self.db, &asked, level, &typed)?);
        Ok(())
    }

    /// What is wanted of properties that are counted, and whether there is room for it.
    pub(super) fn counted(
        &mut self,
        service: &Service,
        plan: Option<(PlanId, &str)>,
        below: Option<CustomerServiceId>,
        typed: &Typed,
    ) -> Result<()> {
        let (db, order) = (self.db, self.order);
        let own = self.own_id();
        let plan_id = plan.map(|(id, _)| id);
        let asked = properties::wanted(db, order.customer, service.id, own, plan_id, below)?;
        let standing = catalogue::properties::standing(self.actor, order.customer);
        for Amount { property, n } in amounts::wanted(db, &asked, self.level(), typed)? {
            let (has, same_plan) = match order.held {
                Some(id) => {
                    let held = held::any(db, id)?;
                    (amounts::amount(db, id, property.id)?, held.plan_id == plan_id)
                }
                None => (0, true),
            };
            let taken = n.max(has);
            let more = More { all: taken - has, plan: if same_plan { taken - has } else { taken } };
            let (customer, meter) = (order.customer, Meter::Sum(&property));
            let tally = Tally { customer, service: service.id, plan: plan_id, meter };
            self.refusals.extend(offers::refusal(db, self.actor.home, &tally, more)?);
            if n != has && property.seen_by(standing) {
                let seat = counter(db, order.customer, service, meter, plan, n - has)?;
                let of =
                    Counted { label: property.label.clone(), size: property.kind == Type::Size };
                self.seats.push(Seat { of: Some(of), ..seat });
            }
        }
        Ok(())
    }

    /// The limits that change: whoever stands above the customer says how much it may have.
    pub(super) fn limits(&mut self, service: &Service, said: &Input) -> Result<Limits> {
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let (db, customer) = (self.db, self.order.customer);
        let standing = catalogue::properties::standing(self.actor, customer);
        if self.level() == Level::User {
            self.refuse("limits", "are a matter of the customer’s service");
            return Ok(Vec::new());
        }
        if standing > Standing::Reseller {
            self.refuse("limits", "may be changed by a reseller or above only");
            return Ok(Vec::new());
        }
        if offers::is_offered(db, customer, service.id)? {
            self.refuse("limits", "are those of the offer, because it sells the service on");
            return Ok(Vec::new());
        }
        let measures = offers::seen_measures(db, service, standing)?;
        let mut fields = Fields::of(said, CHANGE);
        let wanted = offers::read_limits(&mut fields, &measures);
        let wanted: Vec<(String, Option<i64>)> =
            wanted.into_iter().map(|limit| (limit.measure.key.clone(), limit.max)).collect();
        if let Err(Error::Invalid(complaints)) = fields.finish(|| Some(())) {
            self.refusals.extend(complaints);
            return Ok(Vec::new());
        }
        let mut changed = Vec::new();
        for stand in offers::stand(db, customer, service.id, measures)? {
            let Some((_, max)) = wanted.iter().find(|(key, _)| *key == stand.measure.key) else {
                continue;
            };
            if *max == stand.max {
                continue;
            }
            let shown = |max: Option<i64>| match max {
                Some(max) => stand.measure.meter().number(max),
                None => "no limit".to_owned(),
            };
            let field = format!("Limit: {}", stand.measure.label);
            self.differ(&field, Some(&shown(stand.max)), Some(&shown(*max)));
            if max.is_some_and(|max| max < stand.used) {
                let used = stand.measure.meter().number(stand.used);
                self.warnings.push(format!(
                    "{used} of {} are in use. Nothing is taken away; nothing is added.",
                    shown(*max)
                ));
            }
            changed.push((stand.measure, *max));
        }
        Ok(changed)
    }
}
