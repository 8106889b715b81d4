//! What the kernel says of a process, and of times that were taken. Where work is done on the thread
//! that measures, processor time is taken, which neighbours on the machine disturb least.

use std::time::{Duration, Instant};

/// Times of the same thing, done again and again: of the clock, or of the processor.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn take<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let out = f();
        self.0.push(began.elapsed());
        out
    }

    /// What the processor works for it on this thread, and how long that took by the clock.
    pub fn both<T>(&mut self, clock: &mut Times, f: impl FnOnce() -> T) -> T {
        clock.take(|| self.work(f))
    }

    /// What the processor works for it on this thread.
    pub fn work<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let began = thread_cpu();
        let out = f();
        self.0.push(thread_cpu() - began);
        out
    }

    pub fn join(&mut self, other: Times) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In milliseconds, what this share of them stayed within.
    pub fn within(&self, share: f64) -> f64 {
        let mut all = self.0.clone();
        all.sort_unstable();
        let last = all.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        all.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }

    pub fn middle(&self) -> f64 {
        self.within(0.5)
    }
}

/// Processor time this thread has used. The kernel brings the figure up to date when it schedules.
pub fn thread_cpu() -> Duration {
    std::thread::yield_now();
    let file = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(file.split(' ').next().unwrap().parse().unwrap())
}

/// Processor time a process has used, all its threads that still live together.
pub fn cpu(pid: u32) -> Duration {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let file = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        sum += file.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    }
    Duration::from_nanos(sum)
}

/// Processor time this whole process has used, threads that ended included; in hundredths of a second.
pub fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|text| text.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

pub fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

/// Resident memory in MiB, without what of the store's file is mapped.
pub fn resident(pid: u32) -> f64 {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap();
    let (mut sum, mut counted) = (0u64, true);
    for line in maps.lines() {
        if let Some(rest) = line.strip_prefix("Rss:") {
            if counted {
                sum += rest.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
            }
        } else if line.split(' ').next().is_some_and(|word| word.contains('-')) {
            counted = !line.contains("portico.db");
        }
    }
    sum as f64 / 1024.0
}

/// Watches a process's resident memory from a thread of its own until it is asked for the peak.
pub struct Peak {
    stop: std::sync::mpsc::Sender<()>,
    watcher: std::thread::JoinHandle<f64>,
}

impl Peak {
    pub fn watch(pid: u32) -> Peak {
        let (stop, stopped) = std::sync::mpsc::channel();
        let watcher = std::thread::spawn(move || {
            let mut peak = resident(pid);
            while stopped.recv_timeout(Duration::from_millis(100)).is_err() {
                peak = peak.max(resident(pid));
            }
            peak
        });
        Peak { stop, watcher }
    }

    pub fn end(self) -> f64 {
        self.stop.send(()).unwrap();
        self.watcher.join().unwrap()
    }
}

/// Lets this process and those it starts have as many files open as the machine permits.
pub fn open_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
