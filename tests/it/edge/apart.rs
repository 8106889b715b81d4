//! Attacks on what belongs to a whole process: descriptors, threads, memory. The victim runs in a
//! process of its own, which is this test binary once more.

use super::victim::{Victim, status, visit, within};
use socket2::Socket;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const DIRECTORY: &str = "PORTICO_TEST_VICTIM";

struct Apart {
    address: SocketAddr,
    child: Child,
    _dir: TempDir,
}

#[test]
#[ignore = "the other tests start it in a process of its own"]
fn serves_until_its_input_ends() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let victim = Victim::new();
    std::fs::write(format!("{dir}/new"), victim.address.to_string()).unwrap();
    std::fs::rename(format!("{dir}/new"), format!("{dir}/address")).unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

impl Apart {
    fn with_descriptors(count: u32) -> Apart {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new("sh")
            .args(["-c", "ulimit -n $0; exec \"$@\"", &count.to_string()])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "edge::apart::serves_until_its_input_ends", "--ignored"])
            .env(DIRECTORY, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let file = dir.path().join("address");
        assert!(within(Duration::from_secs(10), || file.exists()), "does not start");
        let address = std::fs::read_to_string(file).unwrap().parse().unwrap();
        Apart { address, child, _dir: dir }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        stream
    }

    fn status(&self) -> u16 {
        visit(self.address, "/").and_then(|answer| status(&answer)).unwrap_or(0)
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// A number from the kernel's account of the process: threads, or KiB of memory.
    fn account(&self, name: &str) -> usize {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

#[test]
fn more_connections_than_descriptors_leave_enough_to_serve() {
    let apart = Apart::with_descriptors(128);
    let crowd: Vec<_> = (0..300).map(|_| apart.connect()).collect();
    for _ in 0..3 {
        assert_eq!(apart.status(), 200);
    }
    assert!(apart.descriptors() < 128, "{}", apart.descriptors());
    drop(crowd);
    assert_eq!(apart.status(), 200);
    assert!(
        within(Duration::from_secs(20), || apart.descriptors() < 40),
        "{}",
        apart.descriptors()
    );
}

#[test]
fn attacks_leave_no_descriptor_thread_or_memory_behind() {
    let apart = Apart::with_descriptors(4096);
    assert_eq!(apart.status(), 200);
    let threads = apart.account("Threads");
    let memory = apart.account("VmRSS");

    let idle: Vec<_> = (0..300).map(|_| apart.connect()).collect();
    assert_eq!(apart.status(), 200);
    assert_eq!(apart.account("Threads"), threads, "a connection has no thread");
    drop(idle);
    for _ in 0..200 {
        apart.connect().write_all(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n").unwrap();
        let mut stream = apart.connect();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        Socket::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    let mut endless = apart.connect();
    endless.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    let mut ahead = apart.connect();
    for _ in 0..64 {
        let _ = endless.write_all(&vec![b'a'; 1 << 20]);
    }
    let many = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let sent = (0..200).take_while(|_| ahead.write_all(&many).is_ok()).count();
    assert!(sent < 200, "all was taken from a client that reads nothing");
    assert_eq!(apart.status(), 200);
    assert_eq!(apart.account("Threads"), threads);
    let grown = apart.account("VmRSS").saturating_sub(memory);
    assert!(grown < 32 << 10, "grew by {grown} KiB");
    drop((endless, ahead));
    assert!(
        within(Duration::from_secs(20), || apart.descriptors() < 40),
        "{}",
        apart.descriptors()
    );
}
