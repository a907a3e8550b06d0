//! The Chinese suite: its files obey their rule, its counts are right, bad input is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::BTreeSet;
use std::sync::Arc;

use spotwright_evaluation::chinese::{
    Suite, TEST_PAIRS, TranslatedPair, VALID_PAIRS, parse_pairs, read_pairs, suite,
};
use spotwright_scoring::encoder::HashedEncoder;
use spotwright_scoring::hash::sha256_hex;
use spotwright_scoring::last_layer::LastLayer;
use spotwright_scoring::model::RidgeClickModel;

/// A model that needs nothing installed; it reads no meaning, which these tests do not need.
fn model() -> RidgeClickModel {
    let bytes = include_bytes!("../../scoring/models/hashed-ridge.safetensors");
    let layer = LastLayer::from_bytes(bytes, "hashed").unwrap();
    RidgeClickModel::new(Arc::new(HashedEncoder), layer, &blake3::hash(bytes)).unwrap()
}

fn committed(csv: &str) -> Vec<TranslatedPair> {
    parse_pairs(csv.as_bytes(), "committed").unwrap()
}

fn changed(change: impl Fn(&mut TranslatedPair)) -> Suite {
    let mut pairs = committed(TEST_PAIRS);
    pairs.iter_mut().for_each(change);
    suite(&model(), &pairs, &[]).unwrap()
}

#[test]
fn committed_pairs_obey_the_rule_of_choice() {
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for (csv, n) in [(TEST_PAIRS, 150), (VALID_PAIRS, 60)] {
        let pairs = committed(csv);
        assert_eq!(pairs.len(), n);
        for pair in &pairs {
            let hash = sha256_hex(format!("{}\n{}", pair.text_a, pair.text_b).as_bytes());
            assert_eq!(pair.pair_id, hash[..12]);
            assert!(pair.text_a < pair.text_b, "{}", pair.pair_id);
            assert!(is_chinese(&pair.text_a_zh) && is_chinese(&pair.text_b_zh), "{}", pair.pair_id);
            assert!(pair.text_a_zh != pair.text_b_zh, "{}", pair.pair_id);
        }
        assert!(pairs.is_sorted_by(|a, b| a.pair_id < b.pair_id));
        assert_eq!(pairs.iter().map(|pair| &pair.test_id).collect::<BTreeSet<_>>().len(), n);
    }
}

#[test]
fn equal_texts_are_ranked_equally_and_exchanged_ones_never() {
    let equal = changed(|pair| {
        pair.text_a_zh.clone_from(&pair.text_a);
        pair.text_b_zh.clone_from(&pair.text_b);
    });
    assert!((equal.correlation - 1.0).abs() < 1e-9, "{equal:?}");
    assert!(equal.taste[2].pairs > 0 && equal.taste[2].share == Some(1.0), "{equal:?}");
    // Without a sure pair of one kind there is nothing that could reach the bar.
    assert_eq!(equal.reached, equal.click_rate[2].pairs > 0, "{equal:?}");
    assert_eq!((equal.taste[0].pairs, equal.taste[0].same), (150, 150));
    let exchanged = changed(|pair| {
        pair.text_a_zh.clone_from(&pair.text_b);
        pair.text_b_zh.clone_from(&pair.text_a);
    });
    assert!(!exchanged.reached && (exchanged.correlation + 1.0).abs() < 1e-9, "{exchanged:?}");
    assert_eq!((exchanged.taste[0].pairs, exchanged.taste[0].same), (150, 0));
    assert!(exchanged.table().contains("not reached"));
}

#[test]
fn ties_are_no_agreement_and_sure_pairs_are_fewer() {
    let tied = changed(|pair| pair.text_b_zh.clone_from(&pair.text_a_zh));
    assert_eq!(tied.taste[0].same, 0);
    assert!(!tied.reached);
    let pairs = |agreements: &[spotwright_evaluation::chinese::Agreement]| {
        agreements.iter().map(|agreement| agreement.pairs).collect::<Vec<_>>()
    };
    for counts in [pairs(&tied.click_rate), pairs(&tied.taste)] {
        assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    }
    // What is particular to an advertisement makes every order less sure.
    assert!(tied.click_rate[2].pairs <= tied.taste[2].pairs);
}

#[test]
fn mixed_scripts_and_emoji_are_measured_and_bad_pairs_refused() {
    let odd = changed(|pair| {
        pair.text_a_zh = "早上的coffee为什么没有味道？GO! ☕".to_owned();
        pair.text_b_zh = "🚀🚀".to_owned();
    });
    assert_eq!(odd.pairs, 150);
    let long = |pair: &mut TranslatedPair| pair.text_a_zh = "字".repeat(1 << 20);
    let mut pairs = committed(VALID_PAIRS);
    long(&mut pairs[3]);
    let problem = suite(&model(), &pairs, &[]).unwrap_err();
    assert!(problem.message.contains(&pairs[3].pair_id), "{problem}");
    assert!(suite(&model(), &[], &[]).is_err());

    let header = "pair_id,test_id,text_a,text_b,text_a_zh,text_b_zh\n";
    for bad in ["", header, "pair_id,text_a,text_b\n1,a,b\n", &format!("{header}1,t,a,b, ,乙\n")] {
        assert!(parse_pairs(bad.as_bytes(), "bad").is_err(), "{bad}");
    }
    assert!(parse_pairs([0xff_u8, 0xfe, 0x0a, 0x00].as_slice(), "bytes").is_err());
    assert!(read_pairs(std::path::Path::new("no/such/file.csv")).is_err());
}
