//! The in-process bus and the artifact folder keep their contracts.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use spotwright_bus::memory::MemoryBus;
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::clock::Clock;
use spotwright_store::clips::FolderClips;
use spotwright_store::folder::FolderArtifacts;
use spotwright_testkit::conformance::bus::{self, Pace};

spotwright_testkit::event_bus_suite!(memory, || Arc::new(MemoryBus::new()));

#[tokio::test(start_paused = true)]
async fn the_in_process_bus_confirms_only_after_the_verdict() {
    let bus = Arc::new(MemoryBus::new());
    bus::a_bus_without_disk_confirms_only_after_the_verdict(bus, Pace::PAUSED).await;
}

/// A clock that moves on with every look.
#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1_000, Ordering::SeqCst)
    }
}

static TICKING: LazyLock<Arc<Ticking>> = LazyLock::new(Arc::default);

spotwright_testkit::clip_library_suite!(clips, |root: &Path, room| {
    FolderClips::open(root, room, Arc::clone(&*TICKING) as Arc<dyn Clock>).unwrap()
});

spotwright_testkit::artifact_store_suite!(folder, |root: &Path| FolderArtifacts::open(root).unwrap());

#[test]
fn a_damaged_artifact_is_refused_until_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderArtifacts::open(folder.path()).unwrap();
    let hash = store.put(b"whole").unwrap();
    std::fs::write(store.path(&hash).unwrap(), b"half").unwrap();
    assert!(matches!(store.get(&hash), Err(ArtifactError::Damaged(damaged)) if damaged == hash));
    assert_eq!(store.put(b"whole").unwrap(), hash);
    assert_eq!(store.get(&hash).unwrap(), b"whole");
}

#[test]
fn what_a_crash_left_behind_is_cleared_and_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    drop(FolderArtifacts::open(folder.path()).unwrap());
    let left = folder.path().join("incoming").join("half");
    std::fs::write(&left, b"ha").unwrap();
    let store = FolderArtifacts::open(folder.path()).unwrap();
    assert!(!left.exists());
    assert!(matches!(store.get(&ArtifactHash::of(b"ha")), Err(ArtifactError::Missing(_))));
}

#[test]
fn a_process_that_joins_a_shared_folder_leaves_the_files_of_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(FolderArtifacts::share(folder.path()).unwrap());
    let half = folder.path().join("incoming").join("half");
    std::fs::write(&half, b"ha").unwrap();
    drop(FolderArtifacts::share(folder.path()).unwrap());
    assert!(half.exists());
}
