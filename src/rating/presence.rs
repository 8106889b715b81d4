//! When a thing was there on a hop: its spans, cut where the chain changes and where billing begins.

use crate::ids::{LedgerId, UserId};
use crate::rating::hops::Hop;
use crate::rating::{Facts, History, Kind, Mark, Span, Terms};
use crate::time::{Date, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What makes two moments of presence one item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    pub hop: Hop,
    pub kind: Kind,
    pub service: Option<&'a str>,
    pub plan: Option<&'a str>,
    pub subject_id: i64,
    pub instance: Option<&'a str>,
    pub user_id: Option<UserId>,
}

/// Days on end that count the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub from: Date,
    pub until: Date,
    /// Thousandths.
    pub quantity: i64,
}

/// One thing on one hop, in order of time.
#[derive(Default)]
pub struct Presence<'a> {
    pub pieces: Vec<Piece<'a>>,
    /// The hop and those above it, as they were last.
    pub hops: &'a [Hop],
}

/// A stretch of it in one state. Without length when two changes fell into one second.
pub struct Piece<'a> {
    pub span: &'a Span,
    pub begins: Edge,
    pub ends: Option<Edge>,
    /// It begins with the span: nothing cut it off.
    whole_start: bool,
    hops: &'a [Hop],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub at: Instant,
    pub day: Date,
    /// The row that made it; none where billing begins.
    pub mark: Option<Mark>,
}

/// The first instant of the period and the first after it.
#[derive(Clone, Copy)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
}

/// The customer's own facts and those of its users over time.
pub struct Timeline<'a> {
    of: BTreeMap<(Kind, i64), Vec<&'a Span>>,
    nothing: Facts,
}

impl Window {
    pub fn of(terms: &Terms<'_>) -> Window {
        Window {
            from: terms.period.starts_on.start(terms.zone),
            to: terms.period.ends_on.plus_days(1).start(terms.zone),
        }
    }

    fn has(self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

/// Everything that was there in the period and may make an item, whatever its price. A day goes to
/// exactly one chain.
pub fn of<'a>(
    terms: &Terms<'_>,
    history: &'a History,
    window: Window,
) -> BTreeMap<Key<'a>, Presence<'a>> {
    let start = history.billing_from.map(|day| Edge { at: day.start(terms.zone), day, mark: None });
    let mut all: BTreeMap<Key<'a>, Presence<'a>> = BTreeMap::new();
    let mut free = vec![Kind::Customer, Kind::User, Kind::Domain];
    free.retain(|kind| !terms.prices.are_of(*kind));
    for span in history.spans.iter().filter(|span| !free.contains(&span.kind)) {
        for chain in &history.chains {
            let mut begins = Edge::from(span.from);
            let mut ends = span.to.map(Edge::from);
            if let Some(from) = chain.from {
                begins = begins.later(from.into());
            }
            if let Some(to) = chain.to {
                ends = Some(ends.map_or(to.into(), |end| end.earlier(to.into())));
            }
            if let Some(start) = start {
                begins = begins.later(start);
            }
            let whole_start = begins.mark == Some(span.from);
            let piece = Piece { span, begins, ends, whole_start, hops: &chain.hops };
            let born_here = piece.is_birth(window) && chain.holds(begins.at);
            if piece.lasts_in(window) || born_here {
                place(&mut all, &piece);
            }
        }
    }
    for presence in all.values_mut() {
        presence.pieces.sort_by_key(|piece| (piece.begins.at, piece.span.from.id));
        presence.hops = presence.pieces.last().map_or(&[], |piece| piece.hops);
    }
    all
}

/// A piece counts on every hop of its chain.
fn place<'a>(all: &mut BTreeMap<Key<'a>, Presence<'a>>, piece: &Piece<'a>) {
    let mut rest = piece.hops;
    while let Some((hop, above)) = rest.split_first() {
        let span = piece.span;
        let key = Key {
            hop: *hop,
            kind: span.kind,
            service: span.service.as_deref(),
            plan: span.plan.as_deref(),
            subject_id: span.subject_id,
            instance: span.instance.as_deref(),
            user_id: span.user_id,
        };
        all.entry(key).or_default().pieces.push(Piece { hops: rest, ..*piece });
        rest = above;
    }
}

impl Presence<'_> {
    /// There at some moment of the period, not only born and gone in the same second.
    pub fn lasts(&self, window: Window) -> bool {
        self.pieces.iter().any(|piece| piece.lasts_in(window))
    }

    pub fn at_start(&self, window: Window) -> bool {
        self.pieces.iter().any(|piece| {
            piece.begins.at <= window.from && piece.ends.is_none_or(|end| end.at > window.from)
        })
    }

    pub fn at_end(&self, window: Window) -> bool {
        self.pieces.iter().any(|piece| {
            piece.begins.at < window.to && piece.ends.is_none_or(|end| end.at >= window.to)
        })
    }

    /// Where it first began, if in the period or before it.
    pub fn begins(&self) -> Option<Edge> {
        self.pieces.first().map(|piece| piece.begins)
    }

    /// Where it was last gone.
    pub fn ends(&self) -> Option<Edge> {
        self.pieces.last().and_then(|piece| piece.ends)
    }

    /// The days that count: what holds at the end of a day counts that day.
    pub fn runs(&self, first: Date, last: Date) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for piece in &self.pieces {
            let from = piece.begins.day.max(first);
            let until = piece.ends.map_or(last, |end| end.day.plus_days(-1).min(last));
            if from > until {
                continue;
            }
            let quantity = piece.span.quantity;
            match runs.last_mut() {
                Some(run) if run.quantity == quantity && run.until.plus_days(1) == from => {
                    run.until = until;
                }
                _ => runs.push(Run { from, until, quantity }),
            }
        }
        runs
    }

    /// The highest quantity at any moment, however short.
    pub fn most(&self, window: Window) -> i64 {
        let lasting = self.pieces.iter().filter(|piece| piece.lasts_in(window));
        lasting.map(|piece| piece.span.quantity).max().unwrap_or(0)
    }

    /// The quantity it first came into being with, if that was here and in the period.
    pub fn at_birth(&self, window: Window) -> Option<i64> {
        let birth = self.pieces.iter().find(|piece| piece.is_birth(window))?;
        Some(birth.span.quantity)
    }

    /// Its last life ended on the day it began, by `last`.
    pub fn died_the_day_it_was_born(&self, last: Date) -> bool {
        let span = self.pieces.iter().map(|piece| piece.span).max_by_key(|span| span.born_on);
        span.is_some_and(|span| span.died_on == Some(span.born_on) && span.born_on <= last)
    }

    /// The rows it comes from, ascending.
    pub fn rows(&self, window: Window) -> Vec<LedgerId> {
        let edges = self.pieces.iter().flat_map(|piece| {
            let ends = piece.ends.filter(|end| end.at < window.to);
            [Some(Edge::from(piece.span.from)), Some(piece.begins), ends]
        });
        let mut ids: Vec<LedgerId> =
            edges.flatten().filter_map(|edge| edge.mark.map(|mark| mark.id)).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

impl Piece<'_> {
    fn lasts_in(&self, window: Window) -> bool {
        let to = self.ends.map_or(window.to, |end| end.at.min(window.to));
        self.begins.at.max(window.from) < to
    }

    fn is_birth(&self, window: Window) -> bool {
        self.span.first && self.whole_start && window.has(self.begins.at)
    }
}

impl Edge {
    /// A cut at the very instant of a change is the change's own.
    fn later(self, cut: Edge) -> Edge {
        if cut.at > self.at { cut } else { self }
    }

    fn earlier(self, cut: Edge) -> Edge {
        if cut.at < self.at { cut } else { self }
    }
}

impl From<Mark> for Edge {
    fn from(mark: Mark) -> Edge {
        Edge { at: mark.at, day: mark.day, mark: Some(mark) }
    }
}

impl<'a> Timeline<'a> {
    pub fn of(history: &'a History) -> Timeline<'a> {
        let mut of: BTreeMap<(Kind, i64), Vec<&Span>> = BTreeMap::new();
        for span in &history.spans {
            if matches!(span.kind, Kind::Customer | Kind::User) {
                of.entry((span.kind, span.subject_id)).or_default().push(span);
            }
        }
        for spans in of.values_mut() {
            spans.sort_by_key(|span| (span.from.at, span.from.id));
        }
        Timeline { of, nothing: Facts::default() }
    }

    /// What held of a customer or user just before `at`: the last that is known of it.
    pub fn before(&self, kind: Kind, id: i64, at: Instant) -> &Facts {
        let spans = self.of.get(&(kind, id)).map_or(&[][..], Vec::as_slice);
        let holding = spans.iter().rfind(|span| span.from.at < at).or(spans.first());
        holding.map_or(&self.nothing, |span| &span.facts)
    }
}
