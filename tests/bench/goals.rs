//! The table that a run prints: what was to be reached, what was, and whether that is enough.

use std::io::Write;

pub struct Goals {
    groups: Vec<String>,
    group: &'static str,
    /// How often a page is asked for.
    pub rounds: usize,
    /// Groups of a run that names some, which were not reached yet.
    left: Vec<String>,
    met: u32,
    over: u32,
}

impl Goals {
    /// Without groups, all of them.
    pub fn new(groups: Vec<String>, rounds: usize) -> Goals {
        Goals { left: groups.clone(), groups, group: "", rounds, met: 0, over: 0 }
    }

    /// Whether all groups that were named have been.
    pub fn wants_no_more(&self) -> bool {
        !self.groups.is_empty() && self.left.is_empty()
    }

    /// Whether this group is asked for; what is printed next belongs to it.
    pub fn wants(&mut self, group: &'static str) -> bool {
        self.group = group;
        self.left.retain(|word| !group.contains(word.as_str()));
        self.groups.is_empty() || self.groups.iter().any(|word| group.contains(word.as_str()))
    }

    pub fn at_most(&mut self, what: &str, limit: f64, unit: &str, value: f64) {
        let goal = format!("<= {}{unit}", short(limit));
        self.row(what, &goal, unit, value, value <= limit);
    }

    pub fn at_least(&mut self, what: &str, limit: f64, unit: &str, value: f64) {
        let goal = format!(">= {}{unit}", short(limit));
        self.row(what, &goal, unit, value, value >= limit);
    }

    /// A figure that explains another.
    pub fn fact(&self, what: &str, value: &str) {
        println!("{:<10} {what:<66} {:>9} {value:>9}", self.group, "");
        let _ = std::io::stdout().flush();
    }

    fn row(&mut self, what: &str, goal: &str, unit: &str, value: f64, met: bool) {
        let verdict = if met { "ok" } else { "over" };
        if met {
            self.met += 1;
        } else {
            self.over += 1;
        }
        let value = format!("{}{unit}", short(value));
        println!("{:<10} {what:<66} {goal:>9} {value:>9} {verdict}", self.group);
        let _ = std::io::stdout().flush();
    }

    pub fn close(&self) {
        println!("{} ok, {} over", self.met, self.over);
    }
}

/// Three digits that mean something.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
