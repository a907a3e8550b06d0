//! The deep and cross network: serving equals candle, fitting repeats and learns crosses, damaged
//! files are errors.

use spotwright_schemas::random::Stream;
use spotwright_scoring::cross::train::{Settings, fit, log_odds_by_candle};
use spotwright_scoring::cross::{CrossNetwork, Rows, Shape, slot};

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
            slots.push(slot(field, &value.to_string(), SHAPE.bits));
        }
        slots.push(slot(3, "always", SHAPE.bits));
        dense.extend([draws.normal(3) as f32, draws.normal(4) as f32]);
        let rate = if values[0] == values[1] { 0.8 } else { 0.2 };
        labels.push(f32::from(u8::from(draws.uniform(5) < rate)));
    }
    (slots, dense, labels)
}

#[test]
fn serving_equals_candle_and_learns_a_cross() {
    let (slots, dense, labels) = data(4_000, 1);
    let rows = Rows { slots: &slots, dense: &dense };
    let bytes = fit(SHAPE, rows, &labels, &SETTINGS).unwrap();
    let network = CrossNetwork::from_bytes(&bytes, "test").unwrap();
    let (slots, dense, labels) = data(1_000, 2);
    let rows = Rows { slots: &slots, dense: &dense };
    let served = network.log_odds(rows).unwrap();
    let candle = log_odds_by_candle(&bytes, rows).unwrap();
    for (served, candle) in served.iter().zip(&candle) {
        assert!((served - candle).abs() < 1e-5, "{served} {candle}");
    }
    let right =
        served.iter().zip(&labels).filter(|(score, label)| (**score > 0.0) == (**label > 0.5)).count();
    assert!(right > 750, "{right}");
    // A row's score does not depend on the other rows.
    let one = network.log_odds(Rows { slots: &slots[..4], dense: &dense[..2] }).unwrap();
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
        assert!(network.log_odds(rows).is_err());
        assert!(fit(SHAPE, rows, &labels, &settings).is_err());
    }
    let wrong = vec![0.5; 64];
    assert!(fit(SHAPE, Rows { slots: &slots, dense: &dense }, &wrong, &settings).is_err());
    for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(CrossNetwork::from_bytes(&bytes[..length], "cut").is_err(), "{length}");
    }
    let mut broken = bytes.clone();
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(CrossNetwork::from_bytes(&broken, "nan").is_err());
}
