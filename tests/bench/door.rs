//! Everybody guesses passwords at once, and somebody wants a page.

use crate::goals::{Goals, short};
use crate::load::LIST;
use crate::machine::{Peak, resident};
use crate::net::{Ask, Client, drive};
use crate::program::Program;
use crate::store::Actor;
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
