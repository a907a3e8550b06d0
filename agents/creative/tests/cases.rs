//! What finding a case may cost.

#![expect(clippy::disallowed_methods, reason = "measures how long a search takes")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spotwright_creative::cases::{Library, Query};
use spotwright_schemas::brief::Brief;

/// Most that the quickest of many searches may take.
const MOST: Duration = Duration::from_millis(3);

#[test]
fn a_search_without_vectors_is_a_matter_of_milliseconds() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/bench");
    let mut searched = 0;
    for id in ["hotpot-zh", "socks-en", "jizhang-zh", "tent-en"] {
        let bytes = std::fs::read(folder.join(id).join("brief.yaml")).expect("a brief of the bench");
        let brief = Brief::from_yaml(&bytes).expect("a sound brief");
        let library = Library::builtin();
        let quickest = (0..40)
            .map(|_| {
                let begin = Instant::now();
                searched += library.find(&Query::new(&brief, 3)).len();
                begin.elapsed()
            })
            .min()
            .expect("forty searches");
        assert!(quickest < MOST, "{id}: {quickest:?}");
    }
    assert_eq!(searched, 4 * 40 * 3);
}
