//! Who may be connected: so many in all, so many from one address. When the house is full, whoever
//! has been idle longest makes room. Trusted proxies speak for many, so they are not counted.

use super::Limits;
use super::clock::Clock;
use super::counters::Counters;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub struct Admission {
    most: u32,
    per_address: usize,
    room: Arc<Semaphore>,
    places: Mutex<Places>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Places {
    next: u64,
    by_address: HashMap<IpAddr, usize>,
    clocks: HashMap<u64, Arc<Clock>>,
}

/// One connection's place, given back when it is dropped.
pub struct Place {
    admission: Arc<Admission>,
    key: u64,
    address: Option<IpAddr>,
    _room: OwnedSemaphorePermit,
}

impl Admission {
    pub fn new(limits: &Limits, counters: Arc<Counters>) -> Arc<Admission> {
        let most = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        Arc::new(Admission {
            most,
            per_address: limits.per_address,
            room: Arc::new(Semaphore::new(limits.connections)),
            places: Mutex::default(),
            counters,
        })
    }

    /// `address` is none for those who are not counted by it.
    pub async fn admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        clock: &Arc<Clock>,
    ) -> Option<Place> {
        let place = self.find_place(address.map(household), clock).await;
        let counter = match place {
            Some(_) => &self.counters.admitted,
            None => &self.counters.turned_away,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        place
    }

    async fn find_place(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        clock: &Arc<Clock>,
    ) -> Option<Place> {
        let taken = |ip| self.places().by_address.get(&ip).copied().unwrap_or(0);
        if address.is_some_and(|ip| taken(ip) >= self.per_address) {
            return None;
        }
        let room = match self.room.clone().try_acquire_owned() {
            Ok(room) => room,
            Err(_) => {
                self.evict_one()?;
                let soon = timeout(Duration::from_millis(100), self.room.clone().acquire_owned());
                soon.await.ok()?.ok()?
            }
        };
        let mut places = self.places();
        places.next += 1;
        let key = places.next;
        places.clocks.insert(key, clock.clone());
        if let Some(ip) = address {
            *places.by_address.entry(ip).or_default() += 1;
        }
        Some(Place { admission: self.clone(), key, address, _room: room })
    }

    fn evict_one(&self) -> Option<()> {
        let places = self.places();
        let idle = places.clocks.values().filter_map(|clock| Some((clock.idle_until()?, clock)));
        let (_, longest) = idle.min_by_key(|(until, _)| *until)?;
        longest.evict();
        self.counters.evicted.fetch_add(1, Ordering::Relaxed);
        Some(())
    }

    /// Ready when nobody is connected any more.
    pub async fn empty(&self) {
        let _ = self.room.acquire_many(self.most).await;
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.admission.places();
        places.clocks.remove(&self.key);
        if let Some(ip) = self.address
            && let Some(count) = places.by_address.get_mut(&ip)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                places.by_address.remove(&ip);
            }
        }
    }
}

/// A /64 is one customer of one provider, however many addresses it uses.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::household;

    #[test]
    fn a_household_is_one_old_address_or_one_new_network() {
        let same =
            |a: &str, b: &str| household(a.parse().unwrap()) == household(b.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
