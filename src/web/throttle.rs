//! How often something may be tried. Counted before the work, in memory, bounded.

use crate::time::Instant;
use parking_lot::Mutex;
use std::collections::HashMap;

/// Keys remembered at once; when there are more, those that matter least are forgotten.
const MOST: usize = 50_000;

/// So many tries in so many seconds.
#[derive(Clone, Copy)]
pub struct Limit {
    pub tries: i64,
    pub seconds: i64,
}

#[derive(Default)]
pub struct Throttle(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    tries: i64,
    since: Instant,
    seconds: i64,
}

impl Throttle {
    /// Counts a try of `key`; `Err` holds the seconds to wait when there were too many.
    pub fn count(&self, key: &str, limit: Limit, now: Instant) -> Result<(), u32> {
        let mut buckets = self.0.lock();
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| now.since(bucket.since) < bucket.seconds);
            if buckets.len() >= MOST {
                buckets.clear();
            }
        }
        let fresh = Bucket { tries: 0, since: now, seconds: limit.seconds };
        let bucket = buckets.entry(key.to_owned()).or_insert(fresh);
        if now.since(bucket.since) >= limit.seconds {
            *bucket = Bucket { tries: 0, since: now, seconds: limit.seconds };
        }
        bucket.tries += 1;
        if bucket.tries <= limit.tries {
            return Ok(());
        }
        let left = limit.seconds - now.since(bucket.since);
        Err(u32::try_from(left.max(1)).unwrap_or(1))
    }

    /// How long `key` has to wait after `free` failures: 2, 4 … 900 s between tries.
    pub fn backoff(&self, key: &str, free: i64, now: Instant) -> Result<(), u32> {
        let mut buckets = self.0.lock();
        let fresh = Bucket { tries: 0, since: now, seconds: 86_400 };
        let bucket = buckets.entry(key.to_owned()).or_insert(fresh);
        let over = bucket.tries - free;
        if over >= 0 {
            let wait = 2_i64.saturating_pow(u32::try_from(over + 1).unwrap_or(10).min(10)).min(900);
            let left = wait - now.since(bucket.since);
            if left > 0 {
                return Err(u32::try_from(left).unwrap_or(1));
            }
        }
        bucket.tries += 1;
        bucket.since = now;
        Ok(())
    }

    /// Takes back one try of `key`: it went well.
    pub fn give_back(&self, key: &str) {
        if let Some(bucket) = self.0.lock().get_mut(key) {
            bucket.tries = (bucket.tries - 1).max(0);
        }
    }

    /// Forgets every count.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    /// It went well: the count of `key` starts anew.
    pub fn forget(&self, key: &str) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_and_forgotten_in_time() {
        let throttle = Throttle::default();
        let (limit, start) = (Limit { tries: 3, seconds: 60 }, Instant::from_unix(1_000));
        assert!((0..3).all(|_| throttle.count("a", limit, start).is_ok()));
        assert_eq!(throttle.count("a", limit, start.plus_seconds(10)), Err(50));
        assert!(throttle.count("b", limit, start).is_ok());
        assert!(throttle.count("a", limit, start.plus_seconds(60)).is_ok());
    }

    #[test]
    fn waits_double_after_the_free_tries() {
        let throttle = Throttle::default();
        let start = Instant::from_unix(1_000);
        assert!((0..5).all(|_| throttle.backoff("a", 5, start).is_ok()));
        assert_eq!(throttle.backoff("a", 5, start), Err(2));
        assert!(throttle.backoff("a", 5, start.plus_seconds(2)).is_ok());
        assert_eq!(throttle.backoff("a", 5, start.plus_seconds(2)), Err(4));
        throttle.forget("a");
        assert!(throttle.backoff("a", 5, start).is_ok());
    }
}
