//! Which value of a property holds: pure. Holders come nearest first; at one holder a value for the
//! plan beats one for all plans; the farthest lock decides over everything nearer.

use serde::Serialize;
use serde_json::Value;

words! {
    /// Who may hold a value, the nearest first.
    Holder {
        UserService = "user_service",
        CustomerService = "customer_service",
        Own = "own",
        Given = "given",
        Plan = "plan",
        Default = "default",
    }
}

/// What one holder stores. A holder is one place: two resellers are two holders.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub holder: Holder,
    /// How far away the place is: `(0, _)` the assignment, resellers by their distance, then the
    /// definition. Equal places are one holder.
    pub distance: i64,
    /// Whether it is for the plan asked about; otherwise for all plans.
    pub for_plan: bool,
    pub value: Value,
    pub locked: bool,
}

words! {
    /// What becomes of a stored value.
    Fate { Wins = "wins", Overruled = "overruled" }
}

/// A stored value, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    pub holder: Holder,
    pub distance: i64,
    pub for_plan: bool,
    pub value: Value,
    pub locked: bool,
    pub fate: Fate,
    /// By whom it is overruled, where it is.
    pub overruled_by: Option<Holder>,
}

/// The value that holds, if any.
pub fn effective(held: &[Held]) -> Option<&Held> {
    let nearest = candidates(held);
    match nearest.iter().rev().find(|each| each.locked) {
        Some(locked) => Some(locked),
        None => nearest.first().copied(),
    }
}

/// Every stored value, nearest first, and why it does or does not hold.
pub fn explain(held: &[Held]) -> Vec<Explained> {
    let winner = effective(held);
    let mut all: Vec<&Held> = held.iter().collect();
    all.sort_by_key(|each| each.place());
    all.into_iter()
        .map(|each| {
            let wins = winner.is_some_and(|winner| std::ptr::eq(winner, each));
            Explained {
                holder: each.holder,
                distance: each.distance,
                for_plan: each.for_plan,
                value: each.value.clone(),
                locked: each.locked,
                fate: if wins { Fate::Wins } else { Fate::Overruled },
                overruled_by: if wins { None } else { winner.map(|winner| winner.holder) },
            }
        })
        .collect()
}

impl Held {
    /// Its place in the order of holders; for the plan goes before for all.
    fn place(&self) -> (Rank, i64, Holder, bool) {
        let rank = match self.holder {
            Holder::UserService => Rank::User,
            Holder::CustomerService => Rank::Customer,
            Holder::Own | Holder::Given => Rank::Reseller,
            Holder::Plan | Holder::Default => Rank::Definition,
        };
        (rank, self.distance, self.holder, !self.for_plan)
    }

    fn same_holder(&self, other: &Held) -> bool {
        let ((a, b, c, _), (d, e, f, _)) = (self.place(), other.place());
        // The definition is one holder, which says it for the plan or for all.
        (a, b) == (d, e) && (c == f || a == Rank::Definition)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    User,
    Customer,
    Reseller,
    Definition,
}

/// What each holder says, the nearest first.
fn candidates(held: &[Held]) -> Vec<&Held> {
    let mut all: Vec<&Held> = held.iter().collect();
    all.sort_by_key(|each| each.place());
    all.dedup_by(|later, earlier| later.same_holder(earlier));
    all
}
