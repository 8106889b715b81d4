//! Everybody guesses passwords at once, and somebody wants a page.

use crate::goals::{Goals, short};
use crate::load::LIST;
use crate::machine::{Peak, Times, resident};
use crate::net::{Ask, Client, drive};
use crate::program::Program;
use crate::store::{Actor, Store, config, sql};
use portico::auth::password::Hasher;
use portico::secret::Secret;
use portico::web::{App, Request};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const GUESSERS: u8 = 64;
const TIME: Duration = Duration::from_secs(6);

#[derive(Default)]
struct Guesses {
    over: AtomicBool,
    refused: AtomicU32,
    sent_away: AtomicU32,
}

pub fn storm(goals: &mut Goals, folder: &Path, actor: &Actor) {
    let program = Program::serve(folder);
    let (pid, to) = (program.pid(), program.address);
    let page = Ask::get(LIST).of(&actor.cookie);
    drive(to, 4, TIME, &page);
    let memory = resident(pid);
    let (quiet, _) = drive(to, 4, TIME, &page);
    let guesses = Guesses::default();
    let peak = Peak::watch(pid);
    let busy = std::thread::scope(|threads| {
        for guesser in 0..GUESSERS {
            let guesses = &guesses;
            threads.spawn(move || guess(to, guesser, guesses));
        }
        let (busy, _) = drive(to, 4, TIME, &page);
        guesses.over.store(true, Ordering::Relaxed);
        busy
    });
    let peak = peak.end();
    let what = format!(
        "{}: p99 while {GUESSERS} clients sign in / without ({} / {} ms)",
        LIST,
        short(busy.within(0.99)),
        short(quiet.within(0.99)),
    );
    goals.at_most(&what, 5.0, "", busy.within(0.99) / quiet.within(0.99));
    goals.at_most("memory for them", 64.0, " MiB", peak - memory);
    let checked = f64::from(guesses.refused.load(Ordering::Relaxed)) / TIME.as_secs_f64();
    let away = f64::from(guesses.sent_away.load(Ordering::Relaxed)) / TIME.as_secs_f64();
    goals.fact("passwords compared a second", &short(checked));
    goals.fact("sent away a second", &short(away));
}

/// Each try under another name, and from another address before the door closes for the last one.
fn guess(to: SocketAddr, guesser: u8, guesses: &Guesses) {
    let mut n = 0u16;
    while !guesses.over.load(Ordering::Relaxed) {
        let from = Ipv4Addr::new(127, 4 + (n / 2500) as u8, guesser, (n / 10 % 250) as u8 + 1);
        let body = format!("login=nobody{guesser}x{n}%40bench.example&password=guessed+wrongly");
        let status = Client::new(to, from).ask(&Ask::form("/sign-in", &body));
        match status {
            422 => guesses.refused.fetch_add(1, Ordering::Relaxed),
            429 | 503 => guesses.sent_away.fetch_add(1, Ordering::Relaxed),
            _ => panic!("signing in was answered with {status}"),
        };
        n += 1;
    }
}

const KINDS: [(&str, &str); 8] = [
    ("unknown name", ""),
    ("wrong password", "state = 'active'"),
    ("disabled", "state = 'disabled'"),
    ("expired", "expires_on = '2020-01-01'"),
    ("locked", "locked_until = '9999-01-01T00:00:00Z'"),
    ("for programs", "sign_in = 'api_only'"),
    ("without password", "password_hash = NULL"),
    ("customer disabled", "state = 'active'"),
];
const TRIES: usize = 60;

/// How long each failure takes at the door, and asking for a new password: nobody can tell from it
/// whether there is such an account.
pub fn alike(goals: &mut Goals, small: &Store) {
    let folder = small.copy("alike");
    let app = App::start(config(&folder)).unwrap();
    let sql = sql(&folder.join("portico.db"));
    let hash = Hasher::new(1).hash(&Secret::new("quiet harbour lantern 7")).unwrap();
    let leaf: i64 = sql.query_row("SELECT max(id) FROM customers", [], |row| row.get(0)).unwrap();
    let mut names = Vec::new();
    for (n, (kind, change)) in KINDS.iter().enumerate() {
        let customer = if *kind == "customer disabled" { leaf } else { 1 };
        let user: i64 = sql
            .query_row(
                "SELECT id FROM users WHERE customer_id = ?1 ORDER BY id LIMIT 1 OFFSET ?2",
                (customer, if customer == 1 { n as i64 } else { 0 }),
                |row| row.get(0),
            )
            .unwrap();
        let name = format!("somebody.at.the.door{n}@bench.example");
        if !change.is_empty() {
            sql.execute(
                "UPDATE users SET state = 'active', password_hash = ?1 WHERE id = ?2",
                (&hash, user),
            )
            .unwrap();
            sql.execute(&format!("UPDATE users SET {change} WHERE id = ?1"), [user]).unwrap();
            let upn = "SELECT upn FROM users WHERE id = ?1";
            names.push(sql.query_row(upn, [user], |row| row.get::<_, String>(0)).unwrap());
        } else {
            names.push(name);
        }
    }
    sql.execute("UPDATE customers SET state = 'disabled' WHERE id = ?1", [leaf]).unwrap();
    for (path, status) in [("/sign-in", 422), ("/reset", 303)] {
        let mut times: Vec<Times> = KINDS.iter().map(|_| Times::default()).collect();
        for round in 0..TRIES {
            for place in 0..names.len() {
                // Each is first as often as last.
                let n = (place + round) % names.len();
                let name = &names[n];
                app.throttle.clear();
                sql.execute("DELETE FROM sign_ins", []).unwrap();
                let password = if n == 1 { "wrong" } else { "quiet harbour lantern 7" };
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.append_pair("login", name).append_pair("password", password);
                let headers = vec![
                    ("Host".to_owned(), "localhost".to_owned()),
                    ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
                ];
                let body = form.finish().into_bytes();
                let from = Ipv4Addr::new(127, 9, 0, 1).into();
                let request = Request::new("POST", path, headers, body, from).unwrap();
                let answer = times[n].take(|| app.handle(&request));
                assert_eq!(answer.status, status, "{path} {name}");
            }
        }
        let middles: Vec<f64> = times.iter().map(Times::middle).collect();
        let slowest = middles.iter().copied().fold(0.0, f64::max);
        let quickest = middles.iter().copied().fold(f64::MAX, f64::min);
        let what = format!("{path}: slowest middle of {} kinds of failure / quickest", KINDS.len());
        goals.at_most(&what, 1.1, "", slowest / quickest);
        for ((kind, _), middle) in KINDS.iter().zip(&middles) {
            goals.fact(&format!("{path}: {kind}"), &format!("{} ms", short(*middle)));
        }
    }
}
