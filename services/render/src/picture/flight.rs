//! A bound on the memory of pictures that are being imported at the same time.

use std::sync::{Condvar, Mutex, PoisonError};

use super::{MAX_PIXELS, claimed_pixels};

/// Pixels that may be in memory at the same time: one picture of the largest size, or several
/// smaller ones.
const PIXELS: u64 = MAX_PIXELS;

/// Lets imports begin as long as the pixels of all that are under way stay within the bound; one
/// that is larger than what is left waits.
#[derive(Debug, Default)]
pub struct Flight {
    flying: Mutex<u64>,
    landed: Condvar,
}

impl Flight {
    /// Runs `work` on `bytes` once there is room for the pixels that they claim. Blocks; for threads
    /// that may.
    pub fn with<T>(&self, bytes: &[u8], work: impl FnOnce() -> T) -> T {
        // What claims too much is refused before any memory is taken, so it needs no room.
        let pixels = claimed_pixels(bytes).filter(|pixels| *pixels <= PIXELS).unwrap_or(0);
        let seat = self.board(pixels);
        let result = work();
        drop(seat);
        result
    }

    fn board(&self, pixels: u64) -> Seat<'_> {
        let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
        while *flying + pixels > PIXELS {
            flying = self.landed.wait(flying).unwrap_or_else(PoisonError::into_inner);
        }
        *flying += pixels;
        Seat { flight: self, pixels }
    }
}

/// Room that is given back when the work ends, however it ends.
struct Seat<'a> {
    flight: &'a Flight,
    pixels: u64,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flying = self.flight.flying.lock().unwrap_or_else(PoisonError::into_inner);
        *flying -= self.pixels;
        self.flight.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn claim(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(height.to_be_bytes());
        png
    }

    #[test]
    fn pictures_in_flight_stay_within_the_bound() {
        let (flight, flying, most) = (Arc::new(Flight::default()), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for side in [5_000, 6_000, 7_000, 1_000, 5_000, 4_000] {
                let (flight, flying, most) = (Arc::clone(&flight), &flying, &most);
                scope.spawn(move || {
                    let pixels = u64::from(side) * u64::from(side);
                    flight.with(&claim(side, side), || {
                        most.fetch_max(flying.fetch_add(pixels, Ordering::SeqCst) + pixels, Ordering::SeqCst);
                        std::thread::yield_now();
                        flying.fetch_sub(pixels, Ordering::SeqCst);
                    });
                });
            }
        });
        assert!(most.into_inner() <= PIXELS);
        // A claim beyond what is accepted does not wait for room that never comes.
        assert_eq!(flight.with(&claim(60_000, 60_000), || 7), 7);
    }
}
