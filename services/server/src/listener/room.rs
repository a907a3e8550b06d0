//! Places for connections: who has one, and who gives it up when all are taken.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use spotwright_api::body::Watch;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Bounds;

/// The places of one listener.
#[derive(Debug)]
pub(super) struct Room {
    places: usize,
    of_one_address: usize,
    key: &'static str,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    seats: HashMap<u64, Arc<State>>,
}

/// What is known of one connection.
#[derive(Debug)]
struct State {
    network: IpAddr,
    activity: Mutex<Activity>,
    leave: Notify,
}

#[derive(Debug)]
struct Activity {
    /// Requests received and not yet answered to the end.
    under_way: usize,
    /// Whether there was a request.
    served: bool,
    /// When the last one ended, or the connection began.
    idle_since: Instant,
}

impl State {
    fn activity(&self) -> std::sync::MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when nothing has been under way.
    fn idle_since(&self) -> Option<Instant> {
        let activity = self.activity();
        (activity.under_way == 0).then_some(activity.idle_since)
    }
}

/// The place of one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    state: Arc<State>,
    room: Arc<Room>,
}

/// A request under way on a connection; ends when dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<State>);

impl Watch for InFlight {
    fn passed(&mut self, _ended: bool) {}
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut activity = self.0.activity();
        activity.under_way -= 1;
        activity.idle_since = Instant::now();
    }
}

/// What counts as one address: whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

impl Room {
    pub(super) fn new(places: usize, of_one_address: usize, key: &'static str) -> Self {
        Self { places, of_one_address, key, taken: Mutex::default() }
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new connection a place. When its address has as many as it may, or all are taken, the
    /// connection that has been idle for longest, of that address or of all, gives up its own. `None`
    /// when none is idle.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let network = network(address);
        let mut taken = self.taken();
        let own = taken.seats.values().filter(|state| state.network == network).count();
        let found = if own >= self.of_one_address {
            taken.end_idle(Some(network))
        } else if taken.seats.len() >= self.places {
            taken.end_idle(None)
        } else {
            true
        };
        if !found {
            metrics::counter!("spotwright_connections_refused_total", "listener" => self.key).increment(1);
            return None;
        }
        let activity = Activity { under_way: 0, served: false, idle_since: Instant::now() };
        let state = Arc::new(State { network, activity: Mutex::new(activity), leave: Notify::new() });
        let number = taken.next;
        taken.next += 1;
        taken.seats.insert(number, Arc::clone(&state));
        metrics::gauge!("spotwright_connections", "listener" => self.key).set(taken.seats.len() as f64);
        Some(Seat { number, state, room: Arc::clone(self) })
    }

    /// Ends the connection that has been idle for longest, if any is.
    pub(super) fn make_place(&self) {
        self.taken().end_idle(None);
    }
}

impl Taken {
    /// Ends the connection of a network, or of all, that has been idle for longest. Whether there was
    /// one.
    fn end_idle(&mut self, of: Option<IpAddr>) -> bool {
        let idle = self.seats.iter().filter(|(_, state)| of.is_none_or(|network| state.network == network));
        let longest = idle
            .filter_map(|(number, state)| state.idle_since().map(|since| (since, *number)))
            .min()
            .map(|(_, number)| number);
        let Some(state) = longest.and_then(|number| self.seats.remove(&number)) else { return false };
        state.leave.notify_one();
        true
    }
}

impl Seat {
    /// A request begins.
    pub(super) fn begin(&self) -> InFlight {
        let mut activity = self.state.activity();
        activity.under_way += 1;
        activity.served = true;
        drop(activity);
        InFlight(Arc::clone(&self.state))
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.state.idle_since().is_some()
    }

    /// When the connection has been idle for too long, as it looks now.
    pub(super) fn due(&self, bounds: &Bounds) -> Instant {
        let activity = self.state.activity();
        if activity.under_way > 0 {
            return Instant::now() + bounds.idle;
        }
        activity.idle_since + if activity.served { bounds.idle } else { bounds.first_request }
    }

    /// Returns once the place is needed by somebody else.
    pub(super) async fn asked_to_leave(&self) {
        self.state.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.seats.remove(&self.number);
        metrics::gauge!("spotwright_connections", "listener" => self.room.key).set(taken.seats.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    async fn asked(seat: &Seat) -> bool {
        tokio::time::timeout(Duration::from_millis(1), seat.asked_to_leave()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_is_idle_for_longest_gives_up_its_place() {
        let room = Arc::new(Room::new(3, 3, "test"));
        let mut seats = Vec::new();
        for last in 0..3 {
            seats.push(room.admit(address(last)).unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        // The first one works, the second has just worked, so the third has been idle for longest.
        let _under_way = seats[0].begin();
        drop(seats[1].begin());
        let next = room.admit(address(9)).unwrap();
        let left = [asked(&seats[0]).await, asked(&seats[1]).await, asked(&seats[2]).await];
        assert_eq!(left, [false, false, true]);
        let _busy = [seats[1].begin(), next.begin()];
        assert!(room.admit(address(9)).is_none(), "everybody works");
        drop(seats);
        assert!(room.admit(address(9)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_takes_only_its_own_places() {
        let room = Arc::new(Room::new(10, 2, "test"));
        let other = room.admit(address(1)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let own: Vec<Seat> = (0..2).map(|_| room.admit(address(2)).unwrap()).collect();
        let busy = own[0].begin();
        let _third = room.admit(address(2)).unwrap();
        assert!(!asked(&other).await && !asked(&own[0]).await && asked(&own[1]).await);
        drop(busy);
        assert!(own[0].is_idle());
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8::1"), parse("2001:db8::ffff:1"));
        assert_ne!(parse("2001:db8::1"), parse("2001:db8:0:1::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), parse("192.0.2.1"));
        assert_ne!(parse("192.0.2.1"), parse("192.0.2.2"));
    }
}
