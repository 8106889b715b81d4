//! Two thousand clients that want nothing, and one who does.

use crate::goals::{Goals, short};
use crate::load::LIST;
use crate::machine::{open_many_files, resident, threads};
use crate::net::{Ask, connect, drive};
use crate::program::Program;
use crate::store::Actor;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

const SLOW: u16 = 2_000;
const TIME: Duration = Duration::from_secs(5);

pub fn connections(goals: &mut Goals, folder: &Path, actor: &Actor) {
    open_many_files();
    let program = Program::serve(folder);
    let (pid, to) = (program.pid(), program.address);
    let page = Ask::get(LIST).of(&actor.cookie);
    drive(to, 4, TIME, &page);
    let (memory, count) = (resident(pid), threads(pid));
    let (quiet, _) = drive(to, 4, TIME, &page);

    // A hundred from each of twenty addresses, so that none is turned away.
    let held: Vec<TcpStream> =
        (0..SLOW).map(|n| dawdle(to, Ipv4Addr::new(127, 1, 0, (n / 100) as u8 + 1), n)).collect();
    let (busy, _) = drive(to, 4, TIME, &page);
    let what = format!(
        "{}: p99 with {SLOW} slow connections / without ({} / {} ms)",
        LIST,
        short(busy.within(0.99)),
        short(quiet.within(0.99)),
    );
    goals.at_most(&what, 5.0, "", busy.within(0.99) / quiet.within(0.99));
    goals.at_most("memory for them", 64.0, " MiB", resident(pid) - memory);
    goals.at_most("threads for them", 0.0, "", threads(pid) as f64 - count as f64);
    drop(held);
    drop(program);

    let program = Program::serve(folder);
    let (pid, to) = (program.pid(), program.address);
    drive(to, 4, TIME, &page);
    let memory = resident(pid);
    let held: Vec<TcpStream> =
        (0..SLOW).map(|n| dawdle(to, Ipv4Addr::new(127, 1, 1, 1), n)).collect();
    std::thread::sleep(Duration::from_secs(1));
    goals.at_most("memory for them from one address", 10.0, " MiB", resident(pid) - memory);
    drop(held);
}

/// By turns: says nothing, says half a head, says it had a request before.
fn dawdle(to: SocketAddr, from: Ipv4Addr, n: u16) -> TcpStream {
    let mut stream = connect(to, from);
    let begin: &[u8] = match n % 3 {
        0 => b"",
        1 => b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        _ => b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    let _ = stream.write_all(begin);
    if n % 3 == 2 {
        // It is idle once it was answered, were it only that it asks too often.
        let _ = stream.read(&mut [0; 4096]);
    }
    stream
}
