//! The language of the examples: a ledger that is told what happened, and its spans and chains as
//! the store would hand them over.

use crate::ids::{CustomerId, LedgerId, PriceId, PriceListId, UserId};
use crate::money::{Currency, UnitPrice};
use crate::rating::hops::{Biller, Bond, CustomersBiller, Hop, Tree};
use crate::rating::items::Item;
use crate::rating::lines::Line;
use crate::rating::periods::{Calendar, Mode, Period, Setting};
use crate::rating::prices::{Assignment, List, Price, Prices, Source};
use crate::rating::rules::{Rule, Shipped};
use crate::rating::{
    Bill, Catalogue, Charge, Counting, Facts, History, Kind, Mark, Person, PlanNames, ServiceNames,
    Span, Terms, rate,
};
use crate::time::{Date, Instant, Zone};
use std::collections::BTreeMap;

pub const PROVIDER: CustomerId = CustomerId(1);

/// A state of a subject, as a ledger row holds it.
#[derive(Clone, Debug)]
pub struct State {
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub service: Option<&'static str>,
    pub plan: Option<&'static str>,
    pub quantity: i64,
    pub facts: Facts,
}

#[derive(Clone, Debug)]
struct Row {
    id: i64,
    at: Instant,
    kind: Kind,
    subject: i64,
    /// `None`: removed.
    state: Option<State>,
}

pub struct World {
    pub zone: Zone,
    pub currency: Currency,
    pub rules: Vec<Rule>,
    pub billing_from: BTreeMap<CustomerId, Date>,
    pub calendar: Calendar,
    pub lists: Vec<List>,
    pub assignments: Vec<Assignment>,
    pub prices: Vec<Price>,
    pub catalogue: Catalogue,
    rows: Vec<Row>,
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

impl World {
    /// Amsterdam, euros, months, shipped rules, one list of the provider.
    pub fn new() -> World {
        let mut world = World {
            zone: Zone::named("Europe/Amsterdam").unwrap(),
            currency: Currency::EUR,
            rules: Rule::shipped(),
            billing_from: BTreeMap::new(),
            calendar: Calendar::months(day("2024-01-01")),
            lists: Vec::new(),
            assignments: Vec::new(),
            prices: Vec::new(),
            catalogue: Catalogue::default(),
            rows: Vec::new(),
        };
        for (code, name, by_user) in [("mail", "Mail", true), ("files", "Files", false)] {
            let plan = |code: &str, name: &str| {
                let sku = format!("{}-{code}", name.to_uppercase());
                (code.to_owned(), PlanNames { name: name.to_owned(), sku, not_sold: false })
            };
            let plans = BTreeMap::from([plan("B", "Basic"), plan("P", "Pro"), plan("S", "Seats")]);
            let names = ServiceNames { name: name.to_owned(), by_user, plans };
            world.catalogue.services.insert(code.to_owned(), names);
        }
        world.list(PROVIDER, None);
        world
    }

    pub fn in_currency(code: &str, zone: &str) -> World {
        let mut world = World::new();
        world.zone = Zone::named(zone).unwrap();
        world.currency = code.parse().unwrap();
        world.lists.clear();
        world.list(PROVIDER, None);
        world
    }

    /// The default list of a seller.
    pub fn list(&mut self, seller_id: CustomerId, markup_bp: Option<i64>) -> PriceListId {
        let id = PriceListId(self.lists.len() as i64 + 1);
        self.lists.push(List { id, seller_id, currency: self.currency, main: true, markup_bp });
        id
    }

    /// A row of a seller's default list.
    pub fn price(&mut self, seller: CustomerId, plan: &str, price: &str) -> &mut Price {
        let list = self.lists.iter().find(|list| list.seller_id == seller && list.main).unwrap();
        let source = Source::List(list.id);
        self.price_in(source, seller, plan, price)
    }

    pub fn price_in(
        &mut self,
        source: Source,
        seller_id: CustomerId,
        plan: &str,
        price: &str,
    ) -> &mut Price {
        self.prices.push(Price {
            id: PriceId(self.prices.len() as i64 + 1),
            source,
            seller_id,
            currency: self.currency,
            kind: Kind::UserService,
            service: Some("mail".to_owned()),
            plan: (!plan.is_empty()).then(|| plan.to_owned()),
            charge: Charge::Recurring,
            counting: Counting::ByDay,
            unit_price: UnitPrice::parse(price, self.currency).unwrap(),
            unit_cost: None,
            sku: String::new(),
            label: String::new(),
            valid_from: day("2020-01-01"),
            valid_to: None,
        });
        self.prices.last_mut().unwrap()
    }

    pub fn setup(&mut self, seller: CustomerId, plan: &str, price: &str) {
        let row = self.price(seller, plan, price);
        row.charge = Charge::Setup;
        row.counting = Counting::Once;
    }

    pub fn rule(&mut self, code: Shipped, order: i64, reason: &str) {
        self.rules.push(Rule { code, order, reason: reason.to_owned() });
    }

    pub fn period_setting(&mut self, valid_from: &str, mode: Mode) {
        let setting = Setting { valid_from: day(valid_from), mode };
        self.calendar = Calendar::new(day("2024-01-01"), vec![setting]).unwrap();
    }

    /// `2026-04-10 12:00` local, or an instant with a `Z`.
    pub fn at(&self, when: &str) -> Instant {
        if when.ends_with('Z') {
            return when.parse().unwrap();
        }
        let (date, time) = when.split_once(' ').unwrap_or((when, "12:00"));
        let (hour, minute) = time.split_once(':').unwrap();
        let seconds = hour.parse::<i64>().unwrap() * 3_600 + minute.parse::<i64>().unwrap() * 60;
        day(date).start(&self.zone).plus_seconds(seconds)
    }

    fn put(&mut self, at: Instant, kind: Kind, subject: i64, state: Option<State>) {
        let id = self.rows.len() as i64 + 1;
        self.rows.push(Row { id, at, kind, subject, state });
    }

    /// Below the provider, or whom.
    pub fn customer(&mut self, id: i64, parent: CustomerId) -> CustomerId {
        let customer = CustomerId(id);
        let facts = Facts { parent: Some(parent), ..Facts::default() };
        let state =
            State { customer, user: None, service: None, plan: None, quantity: 1_000, facts };
        self.put(self.at("2025-01-01"), Kind::Customer, id, Some(state));
        customer
    }

    pub fn user(&mut self, id: i64, customer: CustomerId) -> UserId {
        let user = Some(UserId(id));
        let facts = Facts::default();
        let state = State { customer, user, service: None, plan: None, quantity: 1_000, facts };
        self.put(self.at("2025-01-01"), Kind::User, id, Some(state));
        UserId(id)
    }

    fn last(&self, kind: Kind, subject: i64) -> State {
        let of = |row: &&Row| row.kind == kind && row.subject == subject && row.state.is_some();
        self.rows.iter().rfind(of).unwrap().state.clone().unwrap()
    }

    pub fn change_customer(&mut self, when: &str, id: CustomerId, to: impl Fn(&mut Facts)) {
        self.change_customer_at(self.at(when), id, to);
    }

    pub fn change_customer_at(&mut self, at: Instant, id: CustomerId, to: impl Fn(&mut Facts)) {
        let mut state = self.last(Kind::Customer, id.0);
        to(&mut state.facts);
        self.put(at, Kind::Customer, id.0, Some(state));
    }

    pub fn change_user(&mut self, when: &str, id: UserId, to: impl Fn(&mut State)) {
        let mut state = self.last(Kind::User, id.0);
        to(&mut state);
        self.put(self.at(when), Kind::User, id.0, Some(state));
    }

    /// A mailbox, subject `id`, for a user of the same number.
    pub fn mail(&mut self, when: &str, id: i64, customer: CustomerId, plan: &'static str) {
        self.mail_of(when, id, customer, plan, 1_000);
    }

    pub fn mail_of(
        &mut self,
        when: &str,
        id: i64,
        customer: CustomerId,
        plan: &'static str,
        quantity: i64,
    ) {
        let mail = State::mail(id, customer, plan, quantity);
        self.put(self.at(when), Kind::UserService, id, Some(mail));
    }

    /// A row of a mailbox at any instant; `None`: removed.
    pub fn mail_at(&mut self, at: Instant, id: i64, state: Option<State>) {
        self.put(at, Kind::UserService, id, state);
    }

    /// What a mailbox is at an instant, by walking its rows.
    pub fn mail_state(&self, id: i64, at: Instant) -> Option<&State> {
        let of = self.rows.iter().filter(|row| row.kind == Kind::UserService && row.subject == id);
        let last = of.filter(|row| row.at <= at).max_by_key(|row| (row.at, row.id))?;
        last.state.as_ref()
    }

    /// A service of the customer itself.
    pub fn service(
        &mut self,
        when: &str,
        id: i64,
        customer: CustomerId,
        (service, plan): (&'static str, &'static str),
    ) {
        let state = State {
            customer,
            user: None,
            service: Some(service),
            plan: Some(plan),
            quantity: 1_000,
            facts: Facts::default(),
        };
        self.put(self.at(when), Kind::CustomerService, id, Some(state));
    }

    pub fn gone(&mut self, when: &str, id: i64) {
        self.put(self.at(when), Kind::UserService, id, None);
    }

    fn mark(&self, row: &Row) -> Mark {
        let id = LedgerId(row.id);
        Mark { id, at: row.at, day: row.at.day(&self.zone), by: Some(UserId(900)) }
    }

    pub fn tree(&self) -> Tree {
        let customers = self.rows.iter().filter(|row| row.kind == Kind::Customer);
        let ids = customers.clone().map(|row| (CustomerId(row.subject), self.currency));
        let bonds = customers.filter_map(|row| {
            let facts = row.state.clone()?.facts;
            Some((CustomerId(row.subject), Bond { from: self.mark(row), facts }))
        });
        Tree::new(PROVIDER, ids.collect(), bonds)
    }

    /// Every subject's spans, whoever they belong to.
    fn spans(&self) -> Vec<(CustomerId, Span)> {
        let mut subjects: BTreeMap<(Kind, i64), Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            subjects.entry((row.kind, row.subject)).or_default().push(row);
        }
        let mut spans = Vec::new();
        for ((kind, subject_id), mut rows) in subjects {
            rows.sort_by_key(|row| (row.at, row.id));
            let mut born = None;
            for (place, row) in rows.iter().enumerate() {
                let Some(state) = &row.state else {
                    born = None;
                    continue;
                };
                let died = rows[place..].iter().find(|row| row.state.is_none());
                let born_on = *born.get_or_insert(row.at.day(&self.zone));
                let span = Span {
                    kind,
                    subject_id,
                    user_id: state.user,
                    service: state.service.map(str::to_owned),
                    plan: state.plan.map(str::to_owned),
                    instance: None,
                    quantity: state.quantity,
                    facts: state.facts.clone(),
                    from: self.mark(row),
                    to: rows.get(place + 1).map(|row| self.mark(row)),
                    first: place == 0,
                    born_on,
                    died_on: died.map(|row| row.at.day(&self.zone)),
                };
                spans.push((state.customer, span));
            }
        }
        spans
    }

    pub fn history(&self, customer: CustomerId, period: &Period) -> History {
        let from = period.starts_on.start(&self.zone);
        let overlaps = |span: &Span| span.to.is_none_or(|to| to.at > from);
        let spans = self.spans().into_iter();
        History {
            customer_id: customer,
            code: format!("C{customer}"),
            name: format!("Customer {customer}"),
            billing_from: self.billing_from.get(&customer).copied(),
            chains: self.tree().chains(customer).unwrap(),
            people: BTreeMap::from([(
                UserId(1),
                Person { name: "Ada Moor".to_owned(), upn: "ada@aldermoor.example".to_owned() },
            )]),
            spans: spans
                .filter(|(of, span)| *of == customer && overlaps(span))
                .map(|(_, span)| span)
                .collect(),
        }
    }

    pub fn prices(&self) -> Prices {
        Prices::new(self.lists.clone(), self.assignments.clone(), self.prices.clone())
    }

    pub fn period(&self, date: &str) -> Period {
        self.calendar.containing(day(date)).unwrap()
    }

    pub fn rate(&self, customer: CustomerId, period: &Period) -> Bill {
        let prices = self.prices();
        rate(&self.terms(&prices, period), &self.history(customer, period)).unwrap()
    }

    pub fn terms<'a>(&'a self, prices: &'a Prices, period: &'a Period) -> Terms<'a> {
        Terms { period, zone: &self.zone, prices, rules: &self.rules, catalogue: &self.catalogue }
    }

    /// The bill of the period that holds a date.
    pub fn bill(&self, customer: CustomerId, date: &str) -> Bill {
        self.rate(customer, &self.period(date))
    }

    pub fn hop(&self, seller_id: CustomerId, buyer_id: CustomerId) -> Hop {
        Hop { seller_id, buyer_id, currency: self.currency }
    }
}

impl State {
    pub fn mail(id: i64, customer: CustomerId, plan: &'static str, quantity: i64) -> State {
        State {
            customer,
            user: Some(UserId(id)),
            service: Some("mail"),
            plan: Some(plan),
            quantity,
            facts: Facts::default(),
        }
    }
}

pub fn bill_by(facts: &mut Facts, who: Biller) {
    facts.billed_by = who;
}

pub fn bill_customers_by(facts: &mut Facts, who: CustomersBiller) {
    facts.customers_billed_by = who;
}

impl Bill {
    /// `text quantity amount` of each billable line of a hop that costs or counts something.
    pub fn printed(&self, seller: CustomerId, buyer: CustomerId) -> Vec<String> {
        let of = |line: &&Line| {
            line.hop.seller_id == seller
                && line.hop.buyer_id == buyer
                && line.billable
                && !line.quantity.is_zero()
        };
        let show = |line: &Line| {
            format!("{} {} {}", line.text, line.quantity.show().unwrap(), line.amount_minor)
        };
        self.lines.iter().filter(of).map(show).collect()
    }

    /// Of a customer directly below the provider.
    pub fn direct(&self, buyer: CustomerId) -> Vec<String> {
        self.printed(PROVIDER, buyer)
    }

    /// The only item of a subject on a plan.
    pub fn item(&self, subject: i64, plan: &str) -> &Item {
        let of = |item: &&Item| item.subject_id == subject && item.plan.as_deref() == Some(plan);
        self.items.iter().find(of).unwrap()
    }
}
