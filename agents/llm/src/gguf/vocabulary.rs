//! The tokenizer of a GGUF file and its view for the grammar engine.

use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{PreTokenizerWrapper, Tokenizer};
use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use super::Error;

/// Pre-tokenizers (`tokenizer.ggml.pre`) that are read exactly; the library would silently treat
/// every other one as GPT-2's.
pub(super) const SUPPORTED_PRE_TOKENIZERS: [&str; 2] = ["smollm", "gpt-2"];

/// Token types of GGUF whose text is plain: normal and byte.
const PLAIN_TOKEN_TYPES: [i64; 2] = [1, 6];

/// Tokenizer, end token and the special texts that must not come from data.
pub(super) struct Vocabulary {
    pub(super) tokenizer: Tokenizer,
    pub(super) eos: TokenId,
    pub(super) size: usize,
    pub(super) env: TokEnv,
    specials: Vec<String>,
}

impl Vocabulary {
    pub(super) fn read(content: &Content) -> Result<Self, Error> {
        let wrong = |message: &str| Error::Damaged(format!("has a wrong vocabulary: {message}"));
        let mut tokenizer = Tokenizer::from_gguf(content).map_err(|error| wrong(&error.to_string()))?;
        if matches!(content.metadata.get("tokenizer.ggml.pre"), Some(Value::String(pre)) if pre == "smollm") {
            // SmolLM splits digits before the byte-level step; the library has no case for it.
            let steps: Vec<PreTokenizerWrapper> =
                vec![Digits::new(true).into(), ByteLevel::new(false, true, true).into()];
            tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
        }
        let tokens = strings(content, "tokenizer.ggml.tokens").ok_or_else(|| wrong("no tokens"))?;
        let types = integers(content, "tokenizer.ggml.token_type").ok_or_else(|| wrong("no token types"))?;
        if types.len() != tokens.len() {
            return Err(wrong("tokens and token types differ in number"));
        }
        let eos = match content.metadata.get("tokenizer.ggml.eos_token_id") {
            Some(Value::U32(eos)) if (*eos as usize) < tokens.len() => *eos,
            _ => return Err(wrong("no end token")),
        };
        let mut bytes = Vec::with_capacity(tokens.len());
        let mut specials = Vec::new();
        for (token, kind) in tokens.iter().zip(&types) {
            if PLAIN_TOKEN_TYPES.contains(kind) {
                bytes.push(plain_bytes(token));
            } else {
                let mut marked = vec![TokTrie::SPECIAL_TOKEN_MARKER];
                marked.extend(token.as_bytes());
                bytes.push(marked);
                specials.push(token.clone());
            }
        }
        let trie = TokTrie::from(&TokRxInfo::new(tokens.len() as u32, eos), &bytes);
        let env: TokEnv = Arc::new(Environment { trie, tokenizer: tokenizer.clone() });
        specials.retain(|special| !special.is_empty());
        Ok(Self { tokenizer, eos, size: tokens.len(), env, specials })
    }

    /// Takes the texts of special tokens out of data, so that data cannot end a chat turn.
    pub(super) fn without_specials(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        // Removal may join the halves of another special, so it is repeated until nothing is found.
        while let Some(special) = self.specials.iter().find(|special| clean.contains(special.as_str())) {
            clean = clean.replace(special.as_str(), "");
        }
        clean
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|error| Error::Inference(format!("tokenizer: {error}")))?;
        Ok(encoding.get_ids().to_vec())
    }
}

struct Environment {
    trie: TokTrie,
    tokenizer: Tokenizer,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| {
            self.tokenizer
                .encode_fast(text, false)
                .map(|encoding| encoding.get_ids().to_vec())
                // An empty answer forces nothing; the tokens are sampled one by one instead.
                .unwrap_or_default()
        })
    }
}

/// Undoes GPT-2's map from bytes to printable characters: printable Latin-1 bytes stand for
/// themselves, the other 68 follow from U+0100 in order.
fn plain_bytes(token: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for c in token.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            // A token outside the map stands for its own text.
            None => return token.as_bytes().to_vec(),
        }
    }
    bytes
}

fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    let is_printable = |b: u32| matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    if is_printable(code) {
        return u8::try_from(code).ok();
    }
    let position = code.checked_sub(0x100)? as usize;
    (0..=0xFF_u32).filter(|b| !is_printable(*b)).nth(position).and_then(|b| u8::try_from(b).ok())
}

fn strings(content: &Content, key: &str) -> Option<Vec<String>> {
    let values = content.metadata.get(key)?.to_vec().ok()?;
    values.iter().map(|value| value.to_string().ok().cloned()).collect()
}

fn integers(content: &Content, key: &str) -> Option<Vec<i64>> {
    let values = content.metadata.get(key)?.to_vec().ok()?;
    values
        .iter()
        .map(|value| match value {
            Value::I32(n) => Some(i64::from(*n)),
            Value::U32(n) => Some(i64::from(*n)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character() {
        let mut seen = std::collections::BTreeMap::new();
        for c in (0..0x180).filter_map(char::from_u32) {
            if let Some(byte) = byte_of(c) {
                assert!(seen.insert(byte, c).is_none(), "{byte}");
            }
        }
        assert_eq!(seen.len(), 256);
        assert_eq!(seen[&b' '], 'Ġ');
        assert_eq!(seen[&b'\n'], 'Ċ');
        assert_eq!(plain_bytes("Ġcoffee"), b" coffee");
    }
}
