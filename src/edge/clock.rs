//! What a connection is doing and until when it may. The gate, the relay and the answer each move
//! it on; the connection's loop ends whoever is late, and a full house ends the longest idle.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Between requests, or before the first.
    Idle,
    /// Part of a head has come.
    Head,
    /// A request is being read or answered, which has deadlines of its own.
    Busy,
    /// The answer is on its way, but not all of it has been handed over.
    Sending,
    /// All of the answer has been handed over and is being taken by the client.
    Writing,
}

pub struct Clock {
    state: Mutex<(Phase, Instant)>,
    evicted: Notify,
}

impl Clock {
    pub fn new(phase: Phase, left: Duration) -> Clock {
        Clock { state: Mutex::new((phase, Instant::now() + left)), evicted: Notify::new() }
    }

    pub fn set(&self, phase: Phase, left: Duration) {
        *self.state() = (phase, Instant::now() + left);
    }

    pub fn phase(&self) -> Phase {
        self.state().0
    }

    pub fn deadline(&self) -> Instant {
        self.state().1
    }

    /// When an idle connection would be ended; the earliest has been idle longest.
    pub fn idle_until(&self) -> Option<Instant> {
        let (phase, deadline) = *self.state();
        (phase == Phase::Idle).then_some(deadline)
    }

    /// Ends the connection as soon as its task runs.
    pub fn evict(&self) {
        self.evicted.notify_one();
    }

    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
