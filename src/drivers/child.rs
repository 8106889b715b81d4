//! One child process within limits: its input is written, its output read, its time kept, and when
//! it is over nothing of it is left. One thread does all of it, with pipes that never block.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group,
    prlimit, waitid,
};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// What a child may use.
#[derive(Clone, Debug)]
pub struct Limits {
    pub time: Duration,
    /// Between the request to end and the end.
    pub grace: Duration,
    pub memory: u64,
    pub file: u64,
    pub files: u64,
    pub processes: u64,
    pub stdout: usize,
    pub stderr: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Exit(i32),
    Signal(i32),
    /// It was stopped because its time was over.
    Time,
    /// It was stopped because it printed too much.
    Output,
    /// Not even KILL ended it in time.
    Stuck,
}

pub struct Finished {
    pub end: End,
    pub stdout: Captured,
    pub stderr: Captured,
}

/// What came through one pipe.
#[derive(Default)]
pub struct Captured {
    pub bytes: Vec<u8>,
    /// There was more than `bytes` could hold.
    pub cut: bool,
}

/// How often it is looked at while its pipes are silent.
const TICK: Duration = Duration::from_millis(20);
/// After KILL, until it is given up.
const GIVE_UP: Duration = Duration::from_secs(5);
/// For reading what is left in the pipes after the end.
const REST: Duration = Duration::from_millis(500);

/// Runs `command` in a group of its own. `home` is a folder that no other process has as its HOME:
/// by it those are found that left the group.
pub fn run(
    mut command: Command,
    input: &[u8],
    limits: &Limits,
    home: &Path,
) -> io::Result<Finished> {
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return Err(io::Error::other("the process has no number"));
    };
    let result = tend(&mut child, pid, input, limits, began);
    // Whatever happened: nobody of the group, and nobody who left it, goes on.
    sweep(&mut child, pid, home);
    result
}

fn tend(
    child: &mut Child,
    pid: Pid,
    input: &[u8],
    limits: &Limits,
    began: Instant,
) -> io::Result<Finished> {
    restrict(pid, limits)?;
    let mut stdin = Feed::new(child.stdin.take(), input)?;
    let mut stdout = Pipe::new(child.stdout.take(), limits.stdout)?;
    let mut stderr = Pipe::new(child.stderr.take(), limits.stderr)?;
    let mut stopping: Option<(End, Instant)> = None;
    let mut killed: Option<Instant> = None;
    loop {
        stdin.write();
        stdout.read();
        stderr.read();
        if let Some(end) = ended(pid)? {
            // While it is not reaped its number, and so the group's, belongs to nobody else.
            signal_group(pid, Signal::KILL);
            let rest = Instant::now();
            while (stdout.open() || stderr.open()) && rest.elapsed() < REST {
                wait(&Feed::default(), &stdout, &stderr)?;
                stdout.read();
                stderr.read();
            }
            let end = stopping.map_or(end, |(why, _)| why);
            return Ok(Finished { end, stdout: stdout.captured, stderr: stderr.captured });
        }
        match (stopping, killed) {
            (None, _) => {
                let why = match began.elapsed() >= limits.time {
                    true => Some(End::Time),
                    false => stdout.captured.cut.then_some(End::Output),
                };
                if let Some(why) = why {
                    signal_group(pid, Signal::TERM);
                    stopping = Some((why, Instant::now()));
                }
            }
            (Some((_, asked)), None) if asked.elapsed() >= limits.grace => {
                signal_group(pid, Signal::KILL);
                killed = Some(Instant::now());
            }
            (Some(_), Some(since)) if since.elapsed() >= GIVE_UP => {
                let (stdout, stderr) = (stdout.captured, stderr.captured);
                return Ok(Finished { end: End::Stuck, stdout, stderr });
            }
            _ => {}
        }
        wait(&stdin, &stdout, &stderr)?;
    }
}

/// Limits that the child and all its children have. The input comes after them.
fn restrict(pid: Pid, limits: &Limits) -> io::Result<()> {
    let all = [
        (Resource::As, limits.memory),
        (Resource::Fsize, limits.file),
        (Resource::Nofile, limits.files),
        (Resource::Nproc, limits.processes),
        (Resource::Core, 0),
    ];
    for (resource, most) in all {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        match prlimit(Some(pid), resource, limit) {
            // It was quicker and has ended.
            Ok(_) | Err(Errno::SRCH) => {}
            // Where our own limit is lower already, raising it is not permitted nor needed.
            Err(Errno::PERM) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(())
}

/// Whether it has ended, without reaping it.
fn ended(pid: Pid) -> io::Result<Option<End>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = match waitid(WaitId::Pid(pid), options) {
        Err(Errno::INTR) => None,
        other => other?,
    };
    Ok(status.map(|status| match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exit(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }))
}

fn signal_group(pid: Pid, signal: Signal) {
    // There may be nobody left to get it.
    let _gone = kill_process_group(pid, signal);
}

fn sweep(child: &mut Child, pid: Pid, home: &Path) {
    signal_group(pid, Signal::KILL);
    if ended(pid).ok().flatten().is_some() {
        let _reaped = child.wait();
    }
    // One may be made while we look.
    for _ in 0..5 {
        let strays = strays(home);
        if strays.is_empty() {
            break;
        }
        for stray in strays {
            let _gone = kill_process(stray, Signal::KILL);
        }
        std::thread::sleep(TICK);
    }
    // As the first process of a container we inherit the dead of the group.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    for _ in 0..10_000 {
        match waitid(WaitId::Pgid(Some(pid)), options) {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
}

/// Living processes whose HOME is this one's.
fn strays(home: &Path) -> Vec<Pid> {
    let wanted = [b"HOME=", home.as_os_str().as_encoded_bytes()].concat();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let ours = |pid: &i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|pair| pair == wanted)
    };
    let numbers = processes.flatten().filter_map(number).filter(ours);
    numbers.filter_map(Pid::from_raw).collect()
}

/// Sleeps until one of the pipes has something for us, or a tick.
fn wait(stdin: &Feed<'_>, stdout: &Pipe, stderr: &Pipe) -> io::Result<()> {
    let mut pipes = Vec::with_capacity(3);
    pipes.extend(stdin.to.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
    for from in [stdout, stderr] {
        pipes.extend(
            from.from.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)),
        );
    }
    if pipes.is_empty() {
        std::thread::sleep(TICK);
        return Ok(());
    }
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    match poll(&mut pipes, Some(&tick)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

/// The input on its way into the child.
#[derive(Default)]
struct Feed<'a> {
    to: Option<ChildStdin>,
    left: &'a [u8],
}

impl<'a> Feed<'a> {
    fn new(to: Option<ChildStdin>, left: &'a [u8]) -> io::Result<Feed<'a>> {
        if let Some(pipe) = &to {
            ioctl_fionbio(pipe, true)?;
        }
        Ok(Feed { to, left })
    }

    /// Writes what fits. The pipe is closed at the end, or when the child does not want it.
    fn write(&mut self) {
        let Some(pipe) = &mut self.to else { return };
        while !self.left.is_empty() {
            match pipe.write(self.left) {
                Ok(written) => self.left = self.left.get(written..).unwrap_or_default(),
                Err(err) if err.kind() == ErrorKind::WouldBlock => return,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.to = None;
    }
}

/// An output of the child. More than `most` bytes are read and thrown away.
struct Pipe {
    from: Option<Box<dyn Source>>,
    most: usize,
    captured: Captured,
}

trait Source: Read + AsFd {}
impl<T: Read + AsFd> Source for T {}

impl Pipe {
    fn new<T: Read + AsFd + 'static>(from: Option<T>, most: usize) -> io::Result<Pipe> {
        if let Some(pipe) = &from {
            ioctl_fionbio(pipe, true)?;
        }
        let from = from.map(|pipe| Box::new(pipe) as Box<dyn Source>);
        Ok(Pipe { from, most, captured: Captured::default() })
    }

    fn open(&self) -> bool {
        self.from.is_some()
    }

    /// Reads what is there, though not for ever from one that never stops.
    fn read(&mut self) {
        let mut chunk = [0; 16 * 1024];
        for _ in 0..16 {
            let Some(pipe) = &mut self.from else { return };
            match pipe.read(&mut chunk) {
                Ok(0) => self.from = None,
                Ok(read) => {
                    let room = self.most.saturating_sub(self.captured.bytes.len());
                    let fits = chunk.get(..read.min(room)).unwrap_or_default();
                    self.captured.bytes.extend_from_slice(fits);
                    self.captured.cut |= read > room;
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => return,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.from = None,
            }
        }
    }
}
