//! One click model for each language.

use std::sync::Arc;

use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_schemas::explanation::Explanation;
use spotwright_schemas::locale::Language;
use spotwright_schemas::outcome::Score;

/// Scores every input with the model of its language.
///
/// Each model is given the whole history: a brief has one language, and where one has two, both
/// models know what was clicked. A score names the model that gave it; the id names both.
pub struct ClickModelByLocale {
    english: Arc<dyn ClickModel>,
    chinese: Arc<dyn ClickModel>,
    id: String,
    description: String,
}

impl ClickModelByLocale {
    /// Joins the model of English and the model of Chinese texts.
    #[must_use]
    pub fn new(english: Arc<dyn ClickModel>, chinese: Arc<dyn ClickModel>) -> Self {
        let id = format!("en:{}+zh:{}", english.id(), chinese.id());
        let description = format!("English: {} Chinese: {}", english.description(), chinese.description());
        Self { english, chinese, id, description }
    }

    const fn model(&self, language: Language) -> &Arc<dyn ClickModel> {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }
}

impl ClickModel for ClickModelByLocale {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn description(&self) -> String {
        self.description.clone()
    }

    fn score(&self, inputs: &[ScoreInput], history: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        // Without inputs the history is still checked.
        let Some(first) = inputs.first() else {
            return self.english.score(inputs, history);
        };
        if inputs.iter().all(|input| input.locale.language() == first.locale.language()) {
            return self.model(first.locale.language()).score(inputs, history);
        }
        let mut scores: Vec<Option<Score>> = vec![None; inputs.len()];
        for language in [Language::English, Language::Chinese] {
            let (places, of_language): (Vec<usize>, Vec<ScoreInput>) = inputs
                .iter()
                .cloned()
                .enumerate()
                .filter(|(_, input)| input.locale.language() == language)
                .unzip();
            let found = self
                .model(language)
                .score(&of_language, history)
                .map_err(|error| at_its_place(error, &places))?;
            for (place, score) in places.into_iter().zip(found) {
                scores[place] = Some(score);
            }
        }
        let scores: Option<Vec<Score>> = scores.into_iter().collect();
        scores.ok_or_else(|| ClickModelError::Model("a model left an input without a score".to_owned()))
    }

    /// Inputs of one language are rivals; two models' predictions are not compared.
    fn explain(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError> {
        let mut found: Vec<Option<Explanation>> = vec![None; inputs.len()];
        for language in [Language::English, Language::Chinese] {
            let (places, of_language): (Vec<usize>, Vec<ObservedInput>) = inputs
                .iter()
                .cloned()
                .enumerate()
                .filter(|(_, shown)| shown.input.locale.language() == language)
                .unzip();
            // Without inputs the history is still checked, once.
            if places.is_empty() && !(inputs.is_empty() && language == Language::English) {
                continue;
            }
            let explained = self
                .model(language)
                .explain(&of_language, history)
                .map_err(|error| at_its_place(error, &places))?;
            for (&place, mut explanation) in places.iter().zip(explained) {
                if let Some(separation) = &mut explanation.separation {
                    separation.rival = places.get(separation.rival).copied().unwrap_or(separation.rival);
                }
                found[place] = Some(explanation);
            }
        }
        let found: Option<Vec<Explanation>> = found.into_iter().collect();
        found.ok_or_else(|| ClickModelError::Model("a model left an input unexplained".to_owned()))
    }
}

/// An error about one of the inputs of a language names its place among all inputs.
fn at_its_place(error: ClickModelError, places: &[usize]) -> ClickModelError {
    match error {
        ClickModelError::Input { index, field, message } if !field.starts_with("history") => {
            ClickModelError::Input { index: places.get(index).copied().unwrap_or(index), field, message }
        }
        other => other,
    }
}
