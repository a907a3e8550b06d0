//! Vectors of texts for the case library, from multilingual-e5-small.

use std::path::Path;

use spotwright_creative::cases::TextVectors;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::encoder::{E5Encoder, TextEncoder};
use spotwright_scoring::load::E5_FOLDER;

/// Tokens of a text that count: what the model reads at most.
const TOKENS: usize = 512;

/// Sentence vectors of multilingual-e5-small, which understands Chinese and English alike.
pub struct SentenceVectors {
    encoder: Box<dyn TextEncoder>,
}

impl SentenceVectors {
    /// Loads the model from its folder below `models`; takes about half a second.
    ///
    /// # Errors
    /// [`Code::ModelFile`]: the file is missing, unreadable or not the pinned one.
    pub fn open(models: &Path) -> Result<Self, Problem> {
        let encoder = E5Encoder::load(&models.join(E5_FOLDER)).map_err(|error| {
            let message = format!("{error}; run `./infra/setup.sh` to install multilingual-e5-small");
            Problem::new(Code::ModelFile, "models.folder", message)
        })?;
        Ok(Self { encoder: Box::new(encoder) })
    }
}

impl TextVectors for SentenceVectors {
    /// None at all when the model fails: the search then reads meaning from concepts and says so.
    fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        // The mark with which the model was trained to read sentences that are compared.
        let marked: Vec<String> = texts.iter().map(|text| format!("query: {text}")).collect();
        let marked: Vec<&str> = marked.iter().map(String::as_str).collect();
        match self.encoder.encode_batch(&marked, TOKENS) {
            Ok(vectors) => vectors.iter().map(|vector| vector.to_vec()).collect(),
            Err(error) => {
                tracing::warn!(%error, "texts got no vectors; cases are found by words and concepts");
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use spotwright_scoring::Error;
    use spotwright_scoring::encoder::HashedEncoder;

    use super::*;

    struct Failing;

    impl TextEncoder for Failing {
        fn name(&self) -> &'static str {
            "failing"
        }
        fn dimensions(&self) -> usize {
            2
        }
        fn encode(&self, _: &str, _: usize) -> Result<Arc<[f32]>, Error> {
            Err(Error::Encoder("broken".to_owned()))
        }
    }

    #[test]
    fn every_text_gets_a_vector_and_equal_texts_equal_ones() {
        let vectors = SentenceVectors { encoder: Box::new(HashedEncoder) };
        let found = vectors.embed(&["a pot", "a tent", "a pot"]);
        assert_eq!(found.len(), 3);
        assert_eq!(found.first(), found.get(2));
        assert_ne!(found.first(), found.get(1));
    }

    #[test]
    fn a_model_that_fails_gives_none_at_all() {
        let vectors = SentenceVectors { encoder: Box::new(Failing) };
        assert!(vectors.embed(&["a pot", "a tent"]).is_empty());
    }

    #[test]
    fn a_missing_model_is_named_with_the_way_to_install_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let problem = SentenceVectors::open(folder.path()).err().expect("refused");
        assert_eq!(problem.code, Code::ModelFile);
        assert!(problem.message.contains("infra/setup.sh"), "{}", problem.message);
    }
}
