//! What generated shots need from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_importer::ClipImporter;
use spotwright_core::ports::clip_library::ClipLibrary;
use spotwright_core::ports::clip_source::ClipSource;
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::fidelity::Fidelity;

/// Everything that generated shots need from outside.
#[derive(Clone)]
pub struct FootagePorts {
    /// Who makes clips. Every process that works on runs has the same list: what is routed in one is made in
    /// another.
    pub clips: Vec<Arc<dyn ClipSource>>,
    /// Clips that were made before.
    pub clip_library: Arc<dyn ClipLibrary>,
    /// Who turns what came into a clip that may be shown.
    pub clip_importer: Arc<dyn ClipImporter>,
    /// Who compares clips with the product's pictures.
    pub fidelity: Arc<dyn Fidelity>,
    /// Where what came is kept.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Time, for deadlines.
    pub clock: Arc<dyn Clock>,
    /// How sources are asked.
    pub options: ClipOptions,
}

/// How sources of clips are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipOptions {
    /// Time between submitting a job and the first look at it, and between the first tries at a provider that
    /// is busy or away; grows by half with every look.
    pub shortest_wait: Duration,
    /// Longest time between two looks.
    pub longest_wait: Duration,
    /// How long a source has for a clip, from the moment in which it is chosen, the time in which it is busy
    /// or away included; after that the job is cancelled and the next source is asked.
    pub deadline: Duration,
    /// Deadlines of single sources, by name, in the place of `deadline`.
    pub deadlines: BTreeMap<String, Duration>,
    /// How often in a row a source may answer something that cannot be understood, or give a file that is not
    /// whole, before its job is given up; at least 1.
    pub most_faults: u32,
}

impl Default for ClipOptions {
    fn default() -> Self {
        Self {
            shortest_wait: Duration::from_secs(2),
            longest_wait: Duration::from_secs(30),
            deadline: Duration::from_hours(2),
            deadlines: BTreeMap::new(),
            most_faults: 3,
        }
    }
}

impl ClipOptions {
    /// How long a source has for a clip.
    #[must_use]
    pub fn deadline_of(&self, source: &str) -> Duration {
        self.deadlines.get(source).copied().unwrap_or(self.deadline)
    }

    /// How long to wait after `looks` looks.
    #[must_use]
    pub fn wait_after(&self, looks: u32) -> Duration {
        let mut wait = self.shortest_wait;
        for _ in 0..looks {
            if wait >= self.longest_wait || wait.is_zero() {
                break;
            }
            wait += wait / 2;
        }
        wait.min(self.longest_wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let options = ClipOptions::default();
        let waits: Vec<u128> = (0..9).map(|looks| options.wait_after(looks).as_millis()).collect();
        assert_eq!(waits, [2_000, 3_000, 4_500, 6_750, 10_125, 15_187, 22_781, 30_000, 30_000]);
        assert_eq!(options.wait_after(u32::MAX), Duration::from_secs(30));
        let never = ClipOptions { shortest_wait: Duration::ZERO, ..options };
        assert_eq!(never.wait_after(3), Duration::ZERO);
    }
}
