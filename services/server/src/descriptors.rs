//! File descriptors: how many there are, how many the work keeps for itself, and how many are left for
//! connections of clients.

/// Descriptors that a process needs beside its workers: databases, broker, logs, libraries.
const BASE: u64 = 192;

/// Descriptors that one worker needs: pictures, shots, the video it writes, files it reads back.
const FOR_WORKER: u64 = 32;

/// Most connections, however many descriptors there are.
const MOST: usize = 4_096;

/// Fewest connections, however few descriptors there are.
const FEWEST: usize = 8;

/// Raises this process' limit of descriptors as far as it may and returns it; `None` where the system
/// sets no limit, or does not tell.
#[cfg(unix)]
#[must_use]
pub fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of descriptors stays as it is");
            limit.current
        }
    }
}

/// The limit of descriptors, where the system tells.
#[cfg(not(unix))]
#[must_use]
pub fn raise() -> Option<u64> {
    None
}

/// Connections of clients that may be open at the same time with so many descriptors and workers. The
/// work keeps at least a third of the descriptors, and of what is left a third is for the files that
/// answers are read from.
#[must_use]
pub fn connections(limit: Option<u64>, workers: usize) -> usize {
    let Some(limit) = limit else { return MOST };
    let wanted = BASE + FOR_WORKER * workers as u64;
    let kept = wanted.min(limit / 2).max(limit / 3);
    let free = usize::try_from((limit - kept) / 3 * 2).unwrap_or(MOST);
    free.clamp(FEWEST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_keeps_its_descriptors_however_few_there_are() {
        for (limit, workers, most) in
            [(64, 2, 20), (256, 2, 84), (1_024, 2, 454), (1_024, 64, 340), (65_536, 2, MOST)]
        {
            let found = connections(Some(limit), workers);
            assert_eq!(found, most, "{limit} descriptors, {workers} workers");
            assert!(2 * found as u64 <= limit);
        }
        assert_eq!(connections(None, 2), MOST);
        assert_eq!(connections(Some(1), 2), FEWEST);
    }
}
