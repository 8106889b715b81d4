//! Whole pages through the edge, against the least there is and against their SQL alone.

use crate::goals::{Goals, short};
use crate::machine::{cpu, thread_cpu};
use crate::net::{Ask, drive};
use crate::program::Program;
use crate::store::{Actor, Store};
use crate::writes::middle;
use portico::auth::{self, Door};
use portico::db::Via;
use portico::users;
use portico::web::Paging;
use std::net::SocketAddr;
use std::time::Duration;

const ROUNDS: usize = 5;
const CLIENTS: usize = 32;
const ROUND: Duration = Duration::from_secs(2);

/// The list that most people look at.
pub const LIST: &str = "/users";

/// Requests a second and processor time for each, in microseconds.
struct Cost {
    rate: Vec<f64>,
    cpu: Vec<f64>,
}

impl Cost {
    fn new() -> Cost {
        Cost { rate: Vec::new(), cpu: Vec::new() }
    }

    fn measure(&mut self, pid: u32, to: SocketAddr, ask: &Ask) {
        let before = cpu(pid);
        let (times, rate) = drive(to, CLIENTS, ROUND, ask);
        self.rate.push(rate);
        self.cpu.push((cpu(pid) - before).as_secs_f64() * 1e6 / times.len() as f64);
    }
}

pub fn pages(goals: &mut Goals, store: &Store) {
    let program = Program::serve(&store.folder);
    let (pid, to) = (program.pid(), program.address);
    let actor = &store.actors.reseller;
    // The least there is that may be asked for any number of times.
    let hello = Ask::get(portico::html::asset("favicon.svg"));
    let page = Ask::get(LIST).of(&actor.cookie);
    let (mut plain, mut packed, mut empty, mut raw) =
        (Cost::new(), Cost::new(), Cost::new(), Vec::new());
    drive(to, CLIENTS, Duration::from_millis(500), &page);
    for _ in 0..ROUNDS {
        plain.measure(pid, to, &page);
        empty.measure(pid, to, &hello);
        packed.measure(pid, to, &page.clone().gzip());
        raw.push(sql_alone(store, actor));
    }
    let (plain_cpu, raw) = (middle(plain.cpu), middle(raw));
    let (plain_rate, empty_rate) = (middle(plain.rate), middle(empty.rate));
    let name = LIST;
    let what = format!(
        "{name}: CPU of a page / of its SQL alone ({} / {} us)",
        short(plain_cpu),
        short(raw)
    );
    goals.at_most(&what, 2.2, "", plain_cpu / raw);
    let what = format!(
        "{name} / hello, {CLIENTS} connections ({} / {} a second)",
        short(plain_rate),
        short(empty_rate)
    );
    goals.at_least(&what, 0.12, "", plain_rate / empty_rate);
    let empty_cpu = middle(empty.cpu);
    let what = format!(
        "hello / {name}: CPU of an answer ({} / {} us)",
        short(empty_cpu),
        short(plain_cpu)
    );
    goals.at_least(&what, 0.12, "", empty_cpu / plain_cpu);
    goals.at_most(
        &format!("{name}: CPU of a page with gzip / without"),
        1.3,
        "",
        middle(packed.cpu) / plain_cpu,
    );
}

/// What a page asks the store: who is it, what may they, the rows. In microseconds of this thread.
fn sql_alone(store: &Store, actor: &Actor) -> f64 {
    let token = actor.cookie.strip_prefix("portico=").unwrap();
    let look = || {
        store
            .app
            .db
            .read(|db| {
                let session = auth::session(db, token, 86_400, 86_400)?;
                let person = auth::actor(db, session.user, Door::Session, Via::Page)?;
                users::list(db, &person.scope()?, &users::Filter::default(), &Paging::first(50))
            })
            .unwrap()
    };
    look();
    let before = thread_cpu();
    let rounds = 200;
    for _ in 0..rounds {
        assert!(!look().items.is_empty());
    }
    (thread_cpu() - before).as_secs_f64() * 1e6 / f64::from(rounds)
}
