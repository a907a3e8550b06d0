//! Laws of reading briefs: whatever the bytes, the answer is a brief or a problem.

use proptest::collection::vec;
use proptest::prelude::*;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;

const EXAMPLES: [&[u8]; 3] = [
    include_bytes!("../../examples/coffee-en/brief.yaml"),
    include_bytes!("../../examples/coffee-zh/brief.yaml"),
    include_bytes!("../../examples/cat-zh/brief.yaml"),
];

/// Reads twice: the same problem must be found each time, and it must say something.
fn read(bytes: &[u8], reader: fn(&[u8]) -> Result<Brief, Problem>) -> Result<(), TestCaseError> {
    let first = reader(bytes);
    prop_assert_eq!(&first, &reader(bytes));
    if let Err(problem) = first {
        prop_assert!(!problem.message.is_empty());
        prop_assert!(!problem.message.contains('\n'));
    }
    Ok(())
}

fn as_json(example: &[u8]) -> Vec<u8> {
    let brief = Brief::from_yaml(example).expect("examples are valid");
    serde_json::to_vec(&brief).expect("serializes")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_answered(bytes in vec(any::<u8>(), 0..400)) {
        read(&bytes, Brief::from_yaml)?;
        read(&bytes, Brief::from_json)?;
    }

    #[test]
    fn arbitrary_yaml_signs_are_answered(text in "[-:?{}\\[\\],&*!|>'\"%@`#~<\\n \\ta-c0-9]{0,200}") {
        read(text.as_bytes(), Brief::from_yaml)?;
        read(text.as_bytes(), Brief::from_json)?;
    }

    #[test]
    fn mutated_briefs_are_answered(
        example in 0..EXAMPLES.len(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        truncate in any::<bool>(),
        doubled in any::<Option<prop::sample::Index>>(),
    ) {
        for (original, reader) in [
            (EXAMPLES[example].to_vec(), Brief::from_yaml as fn(&[u8]) -> Result<Brief, Problem>),
            (as_json(EXAMPLES[example]), Brief::from_json),
        ] {
            let mut bytes = original;
            for (at, byte) in &flips {
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
            }
            if let Some(from) = doubled {
                let tail = bytes[from.index(bytes.len())..].to_vec();
                bytes.extend(tail);
            }
            if truncate {
                bytes.truncate(cut.index(bytes.len()));
            }
            read(&bytes, reader)?;
        }
    }
}
