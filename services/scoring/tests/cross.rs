//! The deep and cross network: serving equals candle, fitting repeats and learns crosses, damaged
//! files are errors.

use std::collections::BTreeSet;

use spotwright_schemas::random::Stream;
use spotwright_scoring::Error;
use spotwright_scoring::cross::card::{CrossCard, checked};
use spotwright_scoring::cross::train::{Settings, fit, log_odds_by_candle};
use spotwright_scoring::cross::{CrossNetwork, Rows, Shape, crossed, feature, slot};
use spotwright_scoring::logistic::LogisticRegression;

const SHAPE: Shape = Shape { fields: 3, crosses: 1, dense: 2, bits: 8, width: 4, layers: 2, hidden: [12, 8] };
const SETTINGS: Settings =
    Settings { epochs: 6, batch: 256, learning_rate: 0.02, sparse_decay: 0.001, dense_decay: 0.001, seed: 3 };

/// Labels depend on whether two fields agree: no sum of single fields can tell.
fn data(n: u64, seed: u64) -> (Vec<u32>, Vec<f32>, Vec<f32>) {
    let stream = Stream::new(seed, "cross/data");
    let (mut slots, mut dense, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..n {
        let draws = stream.child(row);
        let values = [draws.below(0, 2), draws.below(1, 2), draws.below(2, 5)];
        for (field, value) in values.iter().enumerate() {
            slots.push(slot(feature(field, &value.to_string()), SHAPE.bits));
        }
        slots.push(slot(feature(3, "always"), SHAPE.bits));
        dense.extend([draws.normal(3) as f32, draws.normal(4) as f32]);
        let rate = if values[0] == values[1] { 0.8 } else { 0.2 };
        labels.push(f32::from(u8::from(draws.uniform(5) < rate)));
    }
    (slots, dense, labels)
}

fn right(scores: impl Iterator<Item = f64>, labels: &[f32]) -> usize {
    scores.zip(labels).filter(|(score, label)| (*score > 0.0) == (**label > 0.5)).count()
}

#[test]
fn it_learns_a_cross_that_a_sum_of_fields_cannot_and_serving_equals_candle() {
    let (slots, dense, labels) = data(4_000, 1);
    let bytes = fit(SHAPE, Rows { slots: &slots, dense: &dense }, &labels, &SETTINGS).unwrap();
    let network = CrossNetwork::from_bytes(&bytes, "test").unwrap();
    let (new_slots, new_dense, new_labels) = data(1_000, 2);
    let rows = Rows { slots: &new_slots, dense: &new_dense };
    let served = network.log_odds(rows).unwrap();
    let candle = log_odds_by_candle(&bytes, rows).unwrap();
    for (served, candle) in served.iter().zip(&candle) {
        assert!((served - candle).abs() < 1e-5, "{served} {candle}");
    }
    let n = right(served.iter().map(|score| f64::from(*score)), &new_labels);
    assert!(n > 750, "{n}");
    // A logistic regression on the same fields, one by one, is right about half the time.
    let occurring: BTreeSet<u32> = slots.iter().copied().collect();
    let one_by_one = |slots: &[u32], dense: &[f32]| -> Vec<Vec<f64>> {
        slots
            .chunks_exact(SHAPE.slots())
            .zip(dense.chunks_exact(SHAPE.dense))
            .map(|(slots, dense)| {
                let mut row: Vec<f64> =
                    occurring.iter().map(|slot| f64::from(u8::from(slots.contains(slot)))).collect();
                row.extend(dense.iter().map(|value| f64::from(*value)));
                row
            })
            .collect()
    };
    let targets: Vec<f64> = labels.iter().map(|label| f64::from(*label)).collect();
    let regression = LogisticRegression::fit(&one_by_one(&slots, &dense), &targets, 1.0).unwrap();
    let rows = one_by_one(&new_slots, &new_dense);
    let n = right(rows.iter().map(|row| regression.log_odds(row)), &new_labels);
    assert!((400..600).contains(&n), "{n}");
    // A row's score does not depend on the other rows.
    let one = network.log_odds(Rows { slots: &new_slots[..4], dense: &new_dense[..2] }).unwrap();
    assert_eq!(one[0].to_bits(), served[0].to_bits());
}

#[test]
fn equal_seeds_give_equal_files() {
    let (slots, dense, labels) = data(600, 5);
    let rows = Rows { slots: &slots, dense: &dense };
    let settings = Settings { epochs: 1, ..SETTINGS };
    let one = fit(SHAPE, rows, &labels, &settings).unwrap();
    assert_eq!(one, fit(SHAPE, rows, &labels, &settings).unwrap());
    assert_ne!(one, fit(SHAPE, rows, &labels, &Settings { seed: 4, ..settings }).unwrap());
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(one, pool.install(|| fit(SHAPE, rows, &labels, &settings)).unwrap(), "{threads} threads");
    }
}

#[test]
fn bad_rows_and_damaged_files_are_errors() {
    let (slots, dense, labels) = data(64, 7);
    let settings = Settings { epochs: 1, ..SETTINGS };
    let bytes = fit(SHAPE, Rows { slots: &slots, dense: &dense }, &labels, &settings).unwrap();
    let network = CrossNetwork::from_bytes(&bytes, "test").unwrap();
    let mut unknown = slots.clone();
    unknown[5] = 256;
    let mut infinite = dense.clone();
    infinite[3] = f32::INFINITY;
    for rows in [
        Rows { slots: &slots[1..], dense: &dense },
        Rows { slots: &slots, dense: &dense[2..] },
        Rows { slots: &unknown, dense: &dense },
        Rows { slots: &slots, dense: &infinite },
    ] {
        assert!(matches!(network.log_odds(rows), Err(Error::Rows(_))));
        assert!(matches!(fit(SHAPE, rows, &labels, &settings), Err(Error::Rows(_))));
        assert!(matches!(log_odds_by_candle(&bytes, rows), Err(Error::Rows(_))));
    }
    // Finite, but too large for a score that is.
    let huge = vec![f32::MAX; dense.len()];
    let rows = Rows { slots: &slots, dense: &huge };
    assert!(matches!(network.log_odds(rows), Err(Error::Rows(_))));
    let rows = Rows { slots: &slots, dense: &dense };
    assert!(matches!(fit(SHAPE, rows, &vec![0.5; 64], &settings), Err(Error::Fit(_))));
    assert!(matches!(fit(SHAPE, rows, &labels[1..], &settings), Err(Error::Fit(_))));
    assert!(matches!(fit(SHAPE, Rows { slots: &[], dense: &[] }, &[], &settings), Err(Error::Fit(_))));
    for wrong in [
        Settings { epochs: 0, ..settings },
        Settings { batch: 0, ..settings },
        Settings { learning_rate: f64::NAN, ..settings },
        Settings { dense_decay: -1.0, ..settings },
    ] {
        assert!(matches!(fit(SHAPE, rows, &labels, &wrong), Err(Error::Fit(_))), "{wrong:?}");
    }
    for shape in [
        Shape { fields: 0, crosses: 0, ..SHAPE },
        Shape { bits: 64, ..SHAPE },
        Shape { width: 1 << 40, ..SHAPE },
        Shape { hidden: [0, 8], ..SHAPE },
    ] {
        assert!(matches!(fit(shape, rows, &labels, &settings), Err(Error::Rows(_) | Error::Fit(_))));
    }
    for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        let cut = CrossNetwork::from_bytes(&bytes[..length], "cut");
        assert!(matches!(cut, Err(Error::ModelFile { .. })), "{length}");
    }
    let mut broken = bytes;
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(CrossNetwork::from_bytes(&broken, "nan").is_err());
}

#[test]
fn a_file_is_the_one_its_card_names_or_an_error() {
    let (slots, dense, labels) = data(64, 9);
    let settings = Settings { epochs: 1, ..SETTINGS };
    let rows = Rows { slots: &slots, dense: &dense };
    let bytes = fit(SHAPE, rows, &labels, &settings).unwrap();
    let card = CrossCard {
        format: String::new(),
        id: String::new(),
        weights_blake3: String::new(),
        shape: Shape { bits: 9, ..SHAPE },
        inputs: vec!["first".to_owned(), "second".to_owned(), "third".to_owned()],
        scales: vec![[0.0, 1.0]; 2],
        bins: Vec::new(),
        data: "made up".to_owned(),
        data_sha256: "0".repeat(64),
        split: "all rows".to_owned(),
        rows: 64,
        settings,
        test: [0.5, 0.7],
        limits: Vec::new(),
    }
    .seal(&bytes, "test")
    .unwrap();
    let text = |card: &CrossCard| serde_json::to_vec(card).unwrap();
    let (network, read) = checked(&bytes, &text(&card), "test").unwrap();
    assert_eq!((read.shape, &read), (SHAPE, &card));
    assert_eq!(network, CrossNetwork::from_bytes(&bytes, "test").unwrap());
    let fails = |bytes: &[u8], card: &[u8]| match checked(bytes, card, "test") {
        Err(Error::ModelFile { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(fails(&changed, &text(&card)).contains("the card says"));
    assert!(fails(&bytes[..bytes.len() - 4], &text(&card)).contains("the card says"));
    assert!(fails(&bytes, b"{}").contains("not a card"));
    assert!(fails(&bytes, &vec![b' '; 2 << 20]).contains("at most"));
    let other = CrossCard { format: "spotwright-cross-9".to_owned(), ..card.clone() };
    assert!(fails(&bytes, &text(&other)).contains("format"));
    let other = CrossCard { shape: Shape { layers: 1, ..SHAPE }, ..card };
    assert!(fails(&bytes, &text(&other)).contains("shape"));
}

#[test]
fn features_and_crosses_are_told_apart() {
    assert_ne!(feature(0, "web"), feature(1, "web"));
    assert_ne!(feature(0, "web"), feature(0, "wed"));
    let (a, b) = (feature(0, "web"), feature(1, "discount"));
    assert_ne!(crossed(a, b), crossed(b, a));
    assert_ne!(crossed(a, a), crossed(b, b));
    // 2,000 values over 2^20 slots: about two pairs collide by chance.
    let slots: BTreeSet<u32> = (0..2_000).map(|value| slot(feature(3, &value.to_string()), 20)).collect();
    assert!(slots.len() > 1_990 && slots.iter().all(|slot| *slot < 1 << 20), "{}", slots.len());
}
