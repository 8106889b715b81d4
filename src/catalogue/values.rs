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
    /// The row it is kept in; 0 for a default, which has none.
    pub id: i64,
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
    #[serde(skip)]
    pub id: i64,
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
                id: each.id,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `u` user service, `c` customer service, `o1` own value of the reseller next above, `g2` the
    /// value given with the offer to the one above it, `d` the definition. A capital letter is a
    /// value for the plan, `!` locks. The value is the code itself.
    fn held(code: &str) -> Held {
        let (bare, locked) = match code.strip_suffix('!') {
            Some(bare) => (bare, true),
            None => (code, false),
        };
        let letter = bare.chars().next().unwrap();
        let distance = bare[1..].parse().unwrap_or(0);
        let for_plan = letter.is_ascii_uppercase();
        let holder = match (letter.to_ascii_lowercase(), for_plan) {
            ('u', _) => Holder::UserService,
            ('c', _) => Holder::CustomerService,
            ('o', _) => Holder::Own,
            ('g', _) => Holder::Given,
            ('d', true) => Holder::Plan,
            _ => Holder::Default,
        };
        Held { id: 0, holder, distance, for_plan, value: Value::from(code), locked }
    }

    #[test]
    fn p_2_the_nearest_wins_unless_a_farther_one_is_locked() {
        let table = [
            ("", "-"),
            ("d", "d"),
            ("D", "D"),
            ("D d", "D"),
            ("d D", "D"),
            ("D! d", "D!"),
            ("g1", "g1"),
            ("g1 d", "g1"),
            ("g1 D", "g1"),
            ("G1 g1", "G1"),
            ("g1 G1 D d", "G1"),
            ("o1 g1", "o1"),
            ("o1 G1", "o1"),
            ("O1 o1 g1", "O1"),
            ("o1 g1!", "g1!"),
            ("o1 g1! D!", "D!"),
            ("g1 g2", "g1"),
            ("o2 g1", "g1"),
            ("g2 o2 d", "o2"),
            ("g1 g2!", "g2!"),
            ("o1! g2", "o1!"),
            ("o1! g2!", "g2!"),
            ("g1! o1!", "g1!"),
            ("c", "c"),
            ("c g1 d", "c"),
            ("C c g1 d", "C"),
            ("c o1 g1! d", "g1!"),
            ("c! g1 d", "c!"),
            ("c g1 D!", "D!"),
            ("u", "u"),
            ("u c", "u"),
            ("u C o1 g1 d", "u"),
            ("u c!", "c!"),
            ("u C! c", "C!"),
            ("u c! o1!", "o1!"),
            ("u o3!", "o3!"),
            ("u! c", "u!"),
            ("u! d", "u!"),
            ("c g3 g2! g1", "g2!"),
            ("u C c! o1 d", "u"),
            ("u o2! g1! c", "o2!"),
            ("d c o1", "c"),
        ];
        assert!(table.len() >= 40);
        for (stored, expected) in table {
            let held: Vec<Held> = stored.split_whitespace().map(held).collect();
            let value = effective(&held).map_or("-", |held| held.value.as_str().unwrap());
            assert_eq!(value, expected, "{stored}");
            // The explainer says the same, and of every stored value what became of it.
            let all = explain(&held);
            assert_eq!(all.len(), held.len());
            let winners: Vec<&str> = all
                .iter()
                .filter(|each| each.fate == Fate::Wins)
                .map(|each| each.value.as_str().unwrap())
                .collect();
            let expected: Vec<&str> = [expected].into_iter().filter(|e| *e != "-").collect();
            assert_eq!(winners, expected, "{stored}");
            let losers = all.iter().filter(|each| each.fate == Fate::Overruled);
            assert!(losers.into_iter().all(|each| each.overruled_by.is_some()), "{stored}");
        }
    }

    #[test]
    fn a_lock_on_what_the_same_holder_overrules_has_no_effect() {
        // At one holder the value for the plan stands for it, locked or not.
        let held: Vec<Held> = ["C", "c!", "u"].into_iter().map(held).collect();
        assert_eq!(effective(&held).unwrap().value, "u");
    }

    #[test]
    fn the_explainer_names_who_overrules() {
        let held: Vec<Held> = ["o1", "g1!", "d"].into_iter().map(held).collect();
        let all = explain(&held);
        let told: Vec<_> = all.iter().map(|each| (each.holder, each.overruled_by)).collect();
        assert_eq!(
            told,
            [
                (Holder::Own, Some(Holder::Given)),
                (Holder::Given, None),
                (Holder::Default, Some(Holder::Given)),
            ]
        );
    }
}
