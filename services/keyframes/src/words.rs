//! Words as the model reads them: tokens in rows of one length, each row with a beginning and an end.

use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use crate::folder::{self, Folder, wrong};
use crate::options::OptionsError;

/// Rows of words that are read at most: the model was trained with one, and reads more side by side.
pub(crate) const MOST_ROWS: usize = 4;
/// Largest tokenizer in bytes.
const MAX_BYTES: u64 = 32 << 20;

/// The tokenizer of a folder.
pub(crate) struct Words {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
    /// Fills rows up.
    filler: u32,
    /// Tokens of a row, its beginning and end included.
    length: usize,
}

impl Words {
    /// Reads `tokenizer/tokenizer.json`, and which token fills rows up.
    pub(crate) fn open(folder: &Folder) -> Result<Self, OptionsError> {
        let part = "tokenizer/tokenizer.json";
        let path = folder.path.join(part);
        let size = std::fs::metadata(&path).map(|found| found.len());
        let size = size.map_err(|error| {
            wrong(part, format!("cannot be read: {error}; vocab.json and merges.txt are not enough"))
        })?;
        if size > MAX_BYTES {
            return Err(wrong(part, format!("has {size} bytes, and at most {MAX_BYTES} are read")));
        }
        let bytes = std::fs::read(&path).map_err(|error| wrong(part, error.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(|error| wrong(part, error.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| wrong(part, error.to_string()))?;
        if tokenizer.get_vocab_size(true) > folder.text.vocab_size {
            return Err(wrong(part, "has more tokens than the text encoder knows"));
        }
        let id = |token: &str| {
            let id = tokenizer.token_to_id(token).filter(|id| (*id as usize) < folder.text.vocab_size);
            id.ok_or_else(|| wrong(part, format!("has no token {token}")))
        };
        let (start, end) = (id("<|startoftext|>")?, id("<|endoftext|>")?);
        let filler = match filler(&folder.path)? {
            Some(token) => id(&token)?,
            None => end,
        };
        Ok(Self { tokenizer, start, end, filler, length: folder.text.max_position_embeddings })
    }

    /// Tokens of a text without beginning and end.
    fn tokens(&self, text: &str) -> Result<Vec<u32>, String> {
        let encoded = self.tokenizer.encode(text, false).map_err(|error| error.to_string())?;
        // Beginnings and ends that somebody wrote into the text are none.
        Ok(encoded.get_ids().iter().copied().filter(|id| *id != self.start && *id != self.end).collect())
    }

    /// Both texts as equally many rows, since both are compared with the same picture.
    pub(crate) fn rows(&self, text: &str, unwanted: &str) -> Result<[Vec<Vec<u32>>; 2], String> {
        let inside = self.length - 2;
        let both = [self.tokens(text)?, self.tokens(unwanted)?];
        for (what, tokens) in ["the prompt", "the negative prompt"].iter().zip(&both) {
            let most = inside * MOST_ROWS;
            if tokens.len() > most {
                return Err(format!("{what} has {} tokens, and at most {most} are read", tokens.len()));
            }
        }
        let count = both.iter().map(|tokens| tokens.len().div_ceil(inside)).max().unwrap_or_default().max(1);
        Ok(both.map(|tokens| (0..count).map(|row| self.row(&tokens, row * inside, inside)).collect()))
    }

    fn row(&self, tokens: &[u32], from: usize, inside: usize) -> Vec<u32> {
        let mut row = vec![self.start];
        row.extend(tokens.iter().skip(from).take(inside));
        row.push(self.end);
        row.resize(self.length, self.filler);
        row
    }
}

/// The token that fills rows up, where the folder names one: 2.1 has another than 1.5.
fn filler(path: &Path) -> Result<Option<String>, OptionsError> {
    for part in ["tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json"] {
        if !path.join(part).is_file() {
            continue;
        }
        let settings: Value = folder::read(path, part)?;
        let token = &settings["pad_token"];
        if let Some(token) = token.as_str().or_else(|| token["content"].as_str()) {
            return Ok(Some(token.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny");
        Words::open(&Folder::open(&path).unwrap()).unwrap()
    }

    #[test]
    fn long_prompts_take_several_rows_and_the_other_text_as_many() {
        let words = words();
        let [one, none] = words.rows("ab", "").unwrap();
        assert_eq!((one.len(), none.len()), (1, 1));
        assert_eq!(one[0].len(), 77);
        assert_eq!((one[0][0], one[0][3]), (words.start, words.end));
        assert!(none[0][1..].iter().all(|id| *id == words.end));
        // One token for each letter of the tiny tokenizer.
        let [three, short] = words.rows(&"a".repeat(160), "b").unwrap();
        assert_eq!((three.len(), short.len()), (3, 3));
        assert_eq!(three[2].iter().position(|id| *id == words.end), Some(11));
        assert!(short[1][1..].iter().all(|id| *id == words.filler));
        let refused = words.rows(&"a".repeat(301), "").unwrap_err();
        assert_eq!(refused, "the prompt has 301 tokens, and at most 300 are read");
        assert!(words.rows("a", &"a".repeat(301)).unwrap_err().starts_with("the negative prompt"));
    }

    #[test]
    fn ends_written_into_a_prompt_do_not_end_it() {
        let words = words();
        assert_eq!(
            words.tokens("a<|endoftext|>b<|startoftext|>").unwrap(),
            [words.tokens("a").unwrap(), words.tokens("b").unwrap()].concat()
        );
    }

    #[test]
    fn folders_name_the_token_that_fills_rows_up() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tokenizer")).unwrap();
        assert_eq!(filler(folder.path()).unwrap(), None);
        let map = folder.path().join("tokenizer/special_tokens_map.json");
        std::fs::write(&map, r#"{"pad_token": "!"}"#).unwrap();
        assert_eq!(filler(folder.path()).unwrap().as_deref(), Some("!"));
        std::fs::write(&map, r#"{"pad_token": {"content": "<|endoftext|>", "lstrip": false}}"#).unwrap();
        assert_eq!(filler(folder.path()).unwrap().as_deref(), Some("<|endoftext|>"));
    }
}
