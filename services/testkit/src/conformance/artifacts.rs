//! The contract of [`ArtifactStore`]. Each function is one test; see [`crate::artifact_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::path::Path;

use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};

/// Makes one test of each clause. `$open` opens a store on a folder (`&Path`), twice on the same
/// folder where a test asks for it.
#[macro_export]
macro_rules! artifact_store_suite {
    ($name:ident, $open:expr) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::artifact_store_suite!(@each $open;
                what_was_put_is_read_back_also_after_reopening,
                putting_twice_is_putting_once,
                an_adopted_file_is_named_by_its_content,
                an_unknown_hash_is_missing,
                a_name_that_is_no_hash_is_missing
            );
        }
    };
    (@each $open:expr; $($test:ident),*) => {$(
        #[test]
        fn $test() {
            let folder = tempfile::tempdir().unwrap();
            $crate::conformance::artifacts::$test(folder.path(), &$open);
        }
    )*};
}

/// Clause 1.
pub fn what_was_put_is_read_back_also_after_reopening<S: ArtifactStore>(
    folder: &Path,
    open: &dyn Fn(&Path) -> S,
) {
    let large = vec![0_u8; 100_000];
    let contents: [&[u8]; 3] = [b"", b"a picture", &large];
    let store = open(folder);
    let hashes: Vec<_> = contents.iter().map(|bytes| store.put(bytes).expect("put")).collect();
    drop(store);
    let store = open(folder);
    for (hash, bytes) in hashes.iter().zip(contents) {
        assert_eq!(*hash, ArtifactHash::of(bytes));
        assert_eq!(store.get(hash).expect("get"), bytes);
        assert_eq!(std::fs::read(store.path(hash).expect("path")).expect("a readable file"), bytes);
    }
}

/// Clause 2.
pub fn putting_twice_is_putting_once<S: ArtifactStore>(folder: &Path, open: &dyn Fn(&Path) -> S) {
    let store = open(folder);
    let first = store.put(b"bytes").expect("put");
    let path = store.path(&first).expect("path");
    assert_eq!(store.put(b"bytes").expect("put again"), first);
    assert_eq!(store.path(&first).expect("path"), path);
    assert_eq!(store.get(&first).expect("get"), b"bytes");
}

/// Clause 1, by `adopt`: the file moves into the store.
pub fn an_adopted_file_is_named_by_its_content<S: ArtifactStore>(folder: &Path, open: &dyn Fn(&Path) -> S) {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("video.mp4");
    let store = open(folder);
    for _ in 0..2 {
        std::fs::write(&file, b"frames").expect("a file");
        let hash = store.adopt(&file).expect("adopt");
        assert_eq!(hash, ArtifactHash::of(b"frames"));
        assert_eq!(store.get(&hash).expect("get"), b"frames");
        assert!(!file.exists());
    }
    assert!(matches!(store.adopt(&file), Err(ArtifactError::Io(_))));
}

/// A hash that was never put.
pub fn an_unknown_hash_is_missing<S: ArtifactStore>(folder: &Path, open: &dyn Fn(&Path) -> S) {
    let store = open(folder);
    let hash = ArtifactHash::of(b"never put");
    assert!(matches!(store.get(&hash), Err(ArtifactError::Missing(missing)) if missing == hash));
    assert!(matches!(store.path(&hash), Err(ArtifactError::Missing(_))));
}

/// A name that could lead out of the store.
pub fn a_name_that_is_no_hash_is_missing<S: ArtifactStore>(folder: &Path, open: &dyn Fn(&Path) -> S) {
    std::fs::write(folder.join("secret"), b"not an artifact").expect("a file");
    let store = open(&folder.join("store"));
    for name in ["", "../secret", "/etc/passwd", "é", &"A".repeat(64), &"../".repeat(22)] {
        assert!(
            matches!(store.get(&ArtifactHash(name.to_owned())), Err(ArtifactError::Missing(_))),
            "{name}"
        );
    }
}
