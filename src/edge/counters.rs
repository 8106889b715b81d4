//! What the edge did by itself, for the metrics: the application counts its own answers.

use hyper::StatusCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The statuses that the edge gives without asking the application.
pub const OWN: [u16; 13] = [400, 405, 408, 413, 414, 417, 431, 500, 501, 502, 503, 504, 505];

#[derive(Debug, Default)]
pub struct Counters {
    own: [AtomicU64; OWN.len()],
    /// Connections that were let in.
    pub admitted: AtomicU64,
    /// Connections closed unread: the house or their address was full.
    pub turned_away: AtomicU64,
    /// Idle connections closed to make room.
    pub evicted: AtomicU64,
    /// Set while the certificate files cannot be used and the ones before them still serve.
    pub certificate_refused: AtomicBool,
}

impl Counters {
    /// How often the edge gave this status by itself.
    pub fn own(&self, status: u16) -> u64 {
        let slot = OWN.iter().zip(&self.own).find(|(own, _)| **own == status);
        slot.map_or(0, |(_, count)| count.load(Ordering::Relaxed))
    }

    pub(super) fn count_own(&self, status: StatusCode) {
        let slot = OWN.iter().zip(&self.own).find(|(own, _)| **own == status.as_u16());
        if let Some((_, count)) = slot {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
