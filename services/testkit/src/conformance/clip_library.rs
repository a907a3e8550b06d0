//! The contract of [`ClipLibrary`]. Each function is one test; see [`crate::clip_library_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::path::Path;

use spotwright_core::ports::clip_library::{ClipKey, ClipLibrary, ClipOrigin, KeptClip};

/// Makes one test of each clause. `$open` opens a library in a folder (`&Path`) with room for so many bytes
/// (`u64`), several times on the same folder where a test asks for it; its clock never stands still.
#[macro_export]
macro_rules! clip_library_suite {
    ($name:ident, $open:expr) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::clip_library_suite!(@each $open;
                what_was_put_is_found_also_by_others,
                the_clip_used_longest_ago_makes_room,
                a_newer_clip_takes_the_place_of_an_older_one
            );
        }
    };
    (@each $open:expr; $($test:ident),*) => {$(
        #[test]
        fn $test() {
            let folder = tempfile::tempdir().unwrap();
            $crate::conformance::clip_library::$test(folder.path(), &$open);
        }
    )*};
}

fn clip(content: u8, bytes: usize) -> KeptClip {
    let origin = ClipOrigin {
        source: "source".to_owned(),
        model: "model".to_owned(),
        licence: "licence".to_owned(),
        seed: u64::from(content),
        frames: 150,
    };
    KeptClip { mp4: vec![content; bytes], origin }
}

/// Clauses 1 and 5.
pub fn what_was_put_is_found_also_by_others<L: ClipLibrary>(folder: &Path, open: &dyn Fn(&Path, u64) -> L) {
    let (one, other) = (open(folder, 1 << 20), open(folder, 1 << 20));
    let key = ClipKey::of(&1);
    assert_eq!(other.find(&key).expect("answers"), None);
    one.put(&key, &clip(1, 1_000)).expect("put");
    assert_eq!(other.find(&key).expect("answers"), Some(clip(1, 1_000)));
    drop((one, other));
    assert_eq!(open(folder, 1 << 20).find(&key).expect("answers"), Some(clip(1, 1_000)));
}

/// Clauses 1 and 2.
pub fn the_clip_used_longest_ago_makes_room<L: ClipLibrary>(folder: &Path, open: &dyn Fn(&Path, u64) -> L) {
    // Room for three and no more, whatever stands beside the clips.
    let library = open(folder, 350_000);
    let keys: Vec<ClipKey> = (0..5).map(|number| ClipKey::of(&number)).collect();
    for (number, key) in keys[..3].iter().enumerate() {
        library.put(key, &clip(number as u8, 100_000)).expect("put");
    }
    assert!(library.find(&keys[0]).expect("answers").is_some());
    library.put(&keys[3], &clip(3, 100_000)).expect("put");
    let found: Vec<bool> = keys.iter().map(|key| library.find(key).expect("answers").is_some()).collect();
    assert_eq!(found, [true, false, true, true, false]);
    library.put(&keys[4], &clip(4, 900_000)).expect("put");
    let found: Vec<bool> = keys.iter().map(|key| library.find(key).expect("answers").is_some()).collect();
    assert_eq!(found, [false, false, false, false, true], "the newest stays, however large it is");
}

/// Clause 4.
pub fn a_newer_clip_takes_the_place_of_an_older_one<L: ClipLibrary>(
    folder: &Path,
    open: &dyn Fn(&Path, u64) -> L,
) {
    let library = open(folder, 1 << 20);
    let key = ClipKey::of(&1);
    library.put(&key, &clip(1, 1_000)).expect("put");
    library.put(&key, &clip(2, 10)).expect("put");
    assert_eq!(library.find(&key).expect("answers"), Some(clip(2, 10)));
}
