//! Whether Portico works: one word for machines that ask often, and an examination for people, each
//! finding with what to do about it.

pub mod api;
pub mod doctor;
pub mod pages;
mod store;

use crate::config::Config;
use crate::db::Db;
use crate::error::Result;
use std::path::Path;
use std::time::Duration;

words! {
    Verdict { Ok = "ok", Warn = "warn", Fail = "fail" }
}

/// One thing that was looked at.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub verdict: Verdict,
    pub text: String,
    /// What to do; empty where all is well.
    pub fix: String,
}

/// Bytes of the disk that the data directory is on.
pub struct Disk {
    pub free: u64,
    pub whole: u64,
}

/// Below this nothing is safe to write.
const ROOM: u64 = 500 << 20;
/// Work that waits longer than this should not have to.
const SLOW_SECONDS: i64 = 3600;

/// 200 with `ok` or `degraded`, or 503 with the one word that says why not.
pub fn readiness(db: &Db, config: &Config) -> (u16, &'static str) {
    if !db.can_write_within(Duration::from_secs(2)) {
        return (503, "busy");
    }
    match disk(&config.data) {
        Ok(disk) if disk.is_full() => return (503, "disk"),
        Ok(_) => {}
        Err(_) => return (503, "directory"),
    }
    match db.read(store::oldest_waiting) {
        Ok(Some(since)) if db.now().since(since) > SLOW_SECONDS => (200, "degraded"),
        Ok(_) => (200, "ok"),
        Err(_) => (503, "store"),
    }
}

pub fn disk(folder: &Path) -> Result<Disk> {
    let disk = rustix::fs::statvfs(folder).map_err(std::io::Error::from)?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Ok(Disk { free: bytes(disk.f_bavail), whole: bytes(disk.f_blocks) })
}

impl Disk {
    /// What is free, in hundredths of the whole.
    pub fn percent(&self) -> u64 {
        self.free.saturating_mul(100) / self.whole.max(1)
    }

    fn is_full(&self) -> bool {
        self.free < ROOM || self.percent() < 5
    }
}

/// The worst of them.
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
}
