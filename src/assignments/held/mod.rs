//! What somebody has, as it is read: an assignment of either kind, with how it stands.

mod store;

pub use store::{
    any, any_kept, customer_service, ever_had_any, going_along, holds_beside, ids_of_customer,
    ids_of_user, of_customer, of_user, user_service, users_of,
};

use super::Reason;
use super::state::{self, Live, Open, State, Wanted};
use crate::catalogue::Level;
use crate::ids::{
    CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId, UserId, UserServiceId,
};
use crate::offers::{Meter, Tally};
use crate::time::Instant;

/// One assignment of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldId {
    Customer(CustomerServiceId),
    User(UserServiceId),
}

/// A service that somebody has.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: HeldId,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    /// Itself, or the one that a user service stands below.
    pub customer_service: CustomerServiceId,
    pub service: ServiceId,
    pub code: String,
    pub name: String,
    /// Whether it is a service that users hold.
    pub by_user: bool,
    pub multi: bool,
    pub builtin: bool,
    pub plan_id: Option<PlanId>,
    pub plan: String,
    pub plan_name: String,
    pub label: String,
    pub wanted: Wanted,
    pub live: Live,
    pub live_plan_id: Option<PlanId>,
    pub version: i64,
    pub since: Instant,
    pub reasons: Vec<Reason>,
    pub open: Option<Open>,
    pub last: Option<Last>,
    /// How many users have it, of a customer service.
    pub users: i64,
}

/// How the last request went.
#[derive(Clone, Debug)]
pub struct Last {
    pub request: RequestId,
    pub status: String,
    pub reason: String,
}

impl HeldId {
    pub fn number(self) -> i64 {
        match self {
            HeldId::Customer(id) => id.0,
            HeldId::User(id) => id.0,
        }
    }

    pub fn level(self) -> Level {
        match self {
            HeldId::Customer(_) => Level::Customer,
            HeldId::User(_) => Level::User,
        }
    }
}

impl Held {
    pub fn state(&self) -> State {
        state::state(self.wanted, self.live, self.open)
    }

    /// What of it is counted, with whom.
    pub fn tally<'p>(&self, meter: Meter<'p>) -> Tally<'p> {
        Tally { customer: self.customer, service: self.service, plan: self.plan_id, meter }
    }

    /// Its own seat or instance.
    pub fn seat(&self) -> Tally<'static> {
        self.tally(Meter::of(self.id.level()))
    }

    /// The last request, where it ended badly and left this behind.
    pub fn problem(&self) -> Option<&Last> {
        let ended = |last: &&Last| ["failed", "cancelled"].contains(&last.status.as_str());
        self.last.as_ref().filter(ended).filter(|_| self.open.is_none())
    }

    /// The service, with its label where there are several.
    pub fn title(&self) -> String {
        if self.label.is_empty() {
            self.name.clone()
        } else {
            format!("{} {}", self.name, self.label)
        }
    }
}
