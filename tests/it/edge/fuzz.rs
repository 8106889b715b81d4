//! Two thousand damaged requests, the same each time: the server lives on, and nobody waits.

use super::victim::{Victim, within};
use std::io::{Read, Write};
use std::time::Duration;

const SEEDS: [&str; 5] = [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HEAD /big?5000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /reflect HTTP/1.1\r\nHost: x\r\nX-R: a\r\n\r\n",
];
const SPLICES: [&[u8]; 6] = [
    b"\r\n",
    b"\n",
    b"0\r\n\r\n",
    b"Content-Length: 99999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\0",
];

/// xorshift: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    fn damaged(&mut self) -> Vec<u8> {
        let mut data = Vec::new();
        for _ in 0..=self.roll(4) {
            data.extend_from_slice(SEEDS[self.roll(SEEDS.len())].as_bytes());
        }
        for _ in 0..self.roll(7) {
            let at = self.roll(data.len());
            match self.roll(10) {
                0..4 => data[at] = self.byte(),
                4..6 => {
                    let end = (at + 1 + self.roll(8)).min(data.len());
                    data.drain(at..end);
                }
                6..8 => {
                    let bytes: Vec<u8> = (0..=self.roll(6)).map(|_| self.byte()).collect();
                    data.splice(at..at, bytes);
                }
                _ => {
                    let splice = SPLICES[self.roll(SPLICES.len())];
                    data.splice(at..at, splice.iter().copied());
                }
            }
            if data.is_empty() {
                data.push(b'x');
            }
        }
        data.truncate(1 + self.roll(data.len()));
        data
    }
}

#[test]
fn damaged_requests_harm_nobody() {
    let victim = Victim::new();
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            let victim = &victim;
            scope.spawn(move || {
                let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ seed);
                for _ in 0..500 {
                    let mut stream = victim.connect();
                    let _ = stream.write_all(&dice.damaged());
                    if dice.roll(10) < 3 {
                        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                        let _ = stream.read(&mut [0; 1000]);
                    }
                }
            });
        }
    });
    for _ in 0..8 {
        assert!(within(Duration::from_secs(20), || victim.status("/") == 200));
    }
    assert_eq!(victim.counters.own(500) + victim.counters.own(502), 0);
}
