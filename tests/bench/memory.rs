//! What the program takes: memory after a minute of work, its size, its start.

use crate::goals::{Goals, short};
use crate::load::LIST;
use crate::machine::{Times, resident, threads};
use crate::net::{Ask, Client, drive};
use crate::program::{FILE, Program};
use crate::store::Actor;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

pub fn under_load(goals: &mut Goals, folder: &Path, actor: &Actor) {
    let program = Program::serve(folder);
    let page = Ask::get(LIST).of(&actor.cookie);
    drive(program.address, 32, Duration::from_secs(60), &page);
    let memory = resident(program.pid());
    goals.at_most("memory after a minute of lists, store's file aside", 64.0, " MiB", memory);
    goals.fact("threads", &threads(program.pid()).to_string());
}

pub fn start(goals: &mut Goals, folder: &Path, actor: &Actor) {
    let size = std::fs::metadata(FILE).unwrap().len() as f64 / 1e6;
    goals.fact("size of the program", &format!("{} MB", short(size)));
    let page = Ask::get(LIST).of(&actor.cookie);
    let mut times = Times::default();
    for _ in 0..15 {
        times.take(|| {
            let program = Program::serve(folder);
            assert_eq!(Client::new(program.address, Ipv4Addr::LOCALHOST).ask(&page), 200);
            program
        });
    }
    let words = format!("{} ms", short(times.middle()));
    goals.fact("from its start to the first list page", &words);
}
