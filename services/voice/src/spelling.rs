//! English words that no list has, read by a small model of spelling.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::session::Session;
use ort::value::Tensor;
use serde::Deserialize;

use crate::english::Spelling;
use crate::{Error, runtime};

/// Its alphabets, as the file beside the model has them.
#[derive(Deserialize)]
struct Alphabets {
    #[serde(rename = "in")]
    letters: Vec<char>,
    #[serde(rename = "out")]
    symbols: Vec<char>,
    maxlen: usize,
}

/// The model of spelling.
pub(crate) struct SpellingModel {
    session: Mutex<Session>,
    letters: HashMap<char, i64>,
    symbols: Vec<char>,
    longest: usize,
}

impl SpellingModel {
    /// Opens `oov.onnx` and `oov.json`, or those of another `name`.
    pub(crate) fn open(library: &Path, folder: &Path, name: &str) -> Result<Self, Error> {
        let file = folder.join(format!("{name}.json"));
        let fail = |what: String| Error::File { path: file.clone(), what };
        let text = std::fs::read(&file).map_err(|error| Error::reading(&file, &error))?;
        let alphabets: Alphabets = serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
        let session = runtime::open(library, &folder.join(format!("{name}.onnx")), 1)?;
        let letters = alphabets.letters.into_iter().zip(1_i64..).collect();
        Ok(Self {
            session: Mutex::new(session),
            letters,
            symbols: alphabets.symbols,
            longest: alphabets.maxlen,
        })
    }

    fn classes(&self, letters: Vec<i64>) -> Result<Vec<i64>, ort::Error> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let tensor = Tensor::from_array(([1, letters.len()], letters))?;
        let outputs = session.run(ort::inputs!["chars" => tensor])?;
        Ok(outputs[0].try_extract_tensor::<i64>()?.1.to_vec())
    }
}

impl Spelling for SpellingModel {
    fn read(&self, word: &str) -> Option<String> {
        let letters: Vec<i64> = word.chars().filter_map(|c| self.letters.get(&c).copied()).collect();
        if letters.is_empty() || letters.len() != word.chars().count() || letters.len() > self.longest {
            return None;
        }
        let classes = match self.classes(letters) {
            Ok(classes) => classes,
            Err(error) => {
                tracing::warn!(word, %error, "a word could not be read by its spelling; it is spelled");
                return None;
            }
        };
        // Repeated classes are one symbol, class 0 is none.
        let mut symbols = String::new();
        let mut before = 0;
        for class in classes {
            if class != before && class > 0 {
                symbols.extend(
                    self.symbols.get(class as usize - 1).filter(|symbol| !"()-1ʀ".contains(**symbol)),
                );
            }
            before = class;
        }
        let symbols = symbols.trim().to_owned();
        (!symbols.is_empty()).then_some(symbols)
    }
}
