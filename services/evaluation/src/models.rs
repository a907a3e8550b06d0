//! The fitted models that the suites measure: layers on encoders, and mixtures with words.

use std::sync::Arc;

use spotwright_schemas::Problem;
use spotwright_scoring::baselines::ridge_scores;
use spotwright_scoring::data::{ClickTestRow, Split};
use spotwright_scoring::design::Design;
use spotwright_scoring::encoder::PretrainedEncoder;
use spotwright_scoring::last_layer::LastLayer;
use spotwright_scoring::lessons::Opinions;
use spotwright_scoring::load::MINILM_FOLDER;
use spotwright_scoring::refit::refit;
use spotwright_scoring::train::{Settings, TrainingTests, archive_scores, fit};
use spotwright_scoring::words::{WordRidge, cross_validated};

use crate::archive::{Archive, Encoded, Encoder};
use crate::command::Places;
use crate::eval::Arguments;
use crate::problem::scoring_problem;

/// Penalty of the word ridge, chosen by cross-validation on train tests.
pub(crate) const WORD_PENALTY: f64 = 4.0;

/// Penalty of the reference's ridge on MiniLM sentence vectors.
const SENTENCE_PENALTY: f64 = 30.0;

/// What weights are fitted on. All that is chosen is chosen on the train split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FittedOn {
    /// The train split: for what is compared with others that were, or judged on the validation split.
    Train,
    /// The train and the validation split, for tests that come after both.
    TrainAndValidation,
}

impl FittedOn {
    pub(crate) const fn splits(self) -> &'static [Split] {
        match self {
            Self::Train => &[Split::Train],
            Self::TrainAndValidation => &[Split::Train, Split::Valid],
        }
    }

    /// What it is called in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::TrainAndValidation => "train and validation",
        }
    }
}

/// One encoder's layer and its scores.
pub(crate) struct Layered {
    pub(crate) layer: LastLayer,
    pub(crate) rows: Vec<ClickTestRow>,
    pub(crate) vectors: Vec<Arc<[f32]>>,
    /// Log-odds of every row of the archive; 0 for rows that are not needed.
    pub(crate) scores: Vec<f64>,
    /// Cross-validated scores of fitted rows before the slope, and their spread within tests.
    cross_validated: Vec<f64>,
    spread: f64,
    slope: f64,
    pub(crate) tests: TrainingTests,
}

impl Layered {
    /// Fits the layer of `model`.
    pub(crate) fn fit(
        archive: &Archive,
        model: Model,
        tests: TrainingTests,
        fitted_on: FittedOn,
        places: &Places,
    ) -> Result<Self, Problem> {
        let opinions = model.opinions(archive, tests, places)?;
        let Encoded { needed, rows, vectors, n_blocks } = archive.encoded(model.encoder, places)?;
        let settings = Settings::new(model.encoder.name(), n_blocks, tests);
        let mut fitted =
            fit(&rows, &vectors, &settings, opinions.as_ref()).map_err(|error| scoring_problem(&error))?;
        if fitted_on != FittedOn::Train {
            fitted.layer = refit(&fitted, &rows, &vectors, fitted_on.splits())
                .map_err(|error| scoring_problem(&error))?;
        }
        let found =
            archive_scores(&fitted.layer, &rows, &vectors).map_err(|error| scoring_problem(&error))?;
        let mut scores = vec![0.0; archive.rows.len()];
        let mut cross_validated = vec![0.0; archive.rows.len()];
        for (place, &idx) in needed.iter().enumerate() {
            scores[idx] = found[place];
            cross_validated[idx] = fitted.cross_validated[place];
        }
        Ok(Self {
            layer: fitted.layer,
            rows,
            vectors,
            scores,
            cross_validated,
            spread: fitted.report.cross_validated_spread,
            slope: fitted.report.slope,
            tests,
        })
    }
}

/// A layer that can be fitted: the encoder whose vectors it reads, and whose layer teaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) encoder: Encoder,
    pub(crate) teacher: Option<Encoder>,
}

impl Model {
    /// What it is called in tables.
    pub(crate) fn name(self) -> String {
        let of_layer = |encoder| match encoder {
            Encoder::Hashed => "hashed features",
            Encoder::Minilm => "MiniLM layers 0+3+5",
            Encoder::Mpnet => "MPNet layers 2+6+10",
            Encoder::E5 => "multilingual e5",
        };
        let taught =
            self.teacher.map(|teacher| format!(", taught by {}", of_layer(teacher))).unwrap_or_default();
        format!("ridge on {}{taught}", of_layer(self.encoder))
    }

    /// The same by the names of the encoders.
    pub(crate) fn short_name(self) -> String {
        let taught = self.teacher.map(|teacher| format!(" taught by {}", teacher.name())).unwrap_or_default();
        format!("{}{taught}", self.encoder.name())
    }

    /// Whether all that fitting needs is installed.
    pub(crate) fn is_installed(self, places: &Places) -> bool {
        [Some(self.encoder), self.teacher].into_iter().flatten().all(|encoder| encoder.is_installed(places))
    }

    /// What the teacher thinks, fitted on the same tests.
    pub(crate) fn opinions(
        self,
        archive: &Archive,
        tests: TrainingTests,
        places: &Places,
    ) -> Result<Option<Opinions>, Problem> {
        let Some(teacher) = self.teacher else { return Ok(None) };
        let Encoded { rows, vectors, n_blocks, .. } = archive.encoded(teacher, places)?;
        let settings = Settings::new(teacher.name(), n_blocks, tests);
        let fitted = fit(&rows, &vectors, &settings, None).map_err(|error| scoring_problem(&error))?;
        Ok(Some(fitted.opinions))
    }
}

/// Fits every model that is asked for and installed, on all tests and as the shipped models are, and
/// hands each fit to `measure`. Returns the models that are not installed.
///
/// # Errors
/// A table that cannot be fitted on, an encoder's files, or `measure`.
pub(crate) fn each_layered(
    archive: &Archive,
    arguments: &Arguments,
    places: &Places,
    mut measure: impl FnMut(Model, &'static str, &Layered) -> Result<(), Problem>,
) -> Result<Vec<String>, Problem> {
    let mut not_installed = Vec::new();
    for model in arguments.models() {
        if !model.is_installed(places) {
            not_installed.push(model.short_name());
            continue;
        }
        for (rows, tests) in [("all", TrainingTests::Whole), ("shipped", TrainingTests::WithoutAudience)] {
            measure(model, rows, &Layered::fit(archive, model, tests, FittedOn::Train, places)?)?;
        }
    }
    Ok(not_installed)
}

/// Share of words in the mixture, chosen by cross-validation on train tests.
const fn word_share(encoder: Encoder) -> Option<f64> {
    match encoder {
        Encoder::Hashed | Encoder::E5 => None,
        Encoder::Minilm => Some(0.3),
        Encoder::Mpnet => Some(0.2),
    }
}

/// A named model's log-odds of every row of the archive.
pub(crate) struct Scored {
    pub(crate) name: String,
    pub(crate) scores: Vec<f64>,
}

/// A fitted layer's scores, alone and, where cross-validation chose so, with words mixed in.
pub(crate) struct Recipe {
    pub(crate) alone: Scored,
    pub(crate) with_words: Option<Scored>,
}

impl Recipe {
    /// Fits the layer and the words.
    ///
    /// # Errors
    /// A table that cannot be fitted on, or the encoder's files.
    pub(crate) fn fit(
        archive: &Archive,
        model: Model,
        tests: TrainingTests,
        fitted_on: FittedOn,
        places: &Places,
    ) -> Result<Self, Problem> {
        let layered = Layered::fit(archive, model, tests, fitted_on, places)?;
        let with_words = word_share(model.encoder).map(|share| Scored {
            name: format!("{} + {share} words", model.name()),
            scores: Words::fit(archive, tests, fitted_on).mixed_with(archive, &layered, share),
        });
        Ok(Self { alone: Scored { name: model.name(), scores: layered.scores }, with_words })
    }

    /// What cross-validation chose.
    pub(crate) fn best(self) -> Scored {
        self.with_words.unwrap_or(self.alone)
    }
}

/// A model of every row of the archive and the vectors it reads.
pub(crate) struct OnVectors {
    pub(crate) vectors: Vec<Arc<[f32]>>,
    /// Log-odds.
    pub(crate) scores: Vec<f64>,
}

/// The reference's ridge on MiniLM sentence vectors, fitted on the train split.
///
/// # Errors
/// As [`Recipe::fit`].
pub(crate) fn sentence_ridge(archive: &Archive, places: &Places) -> Result<OnVectors, Problem> {
    let folder = places.models.join(MINILM_FOLDER);
    let encoder = PretrainedEncoder::minilm_sentence(&folder).map_err(|error| scoring_problem(&error))?;
    let every: Vec<usize> = (0..archive.rows.len()).collect();
    let vectors = archive.vectors(&encoder, &every, places)?;
    let train = archive.of_split(Split::Train);
    let scores = ridge_scores(&archive.rows, &archive.design, &vectors, &train, SENTENCE_PENALTY)
        .map_err(|error| scoring_problem(&error))?;
    Ok(OnVectors { vectors, scores })
}

/// Fitted words and their scores.
pub(crate) struct Words {
    scores: Vec<f64>,
    cross_validated: Vec<f64>,
    spread: f64,
}

impl Words {
    pub(crate) fn fit(archive: &Archive, tests: TrainingTests, fitted_on: FittedOn) -> Self {
        let train = fitted_rows(archive, tests, FittedOn::Train);
        let fitted = fitted_rows(archive, tests, fitted_on);
        let model = WordRidge::fit(&archive.rows, &archive.design, &fitted, WORD_PENALTY);
        let cross_validated = cross_validated(&archive.rows, &archive.design, &train, WORD_PENALTY);
        let spread = archive.design.agreement(&cross_validated, &train).spread;
        let scores = archive.rows.iter().map(|row| model.score(&row.headline)).collect();
        Self { scores, cross_validated, spread }
    }

    /// The scores of `layered` plus `share` times those of words, each divided by its spread in
    /// cross-validation, in log-odds by the slope in cross-validation.
    pub(crate) fn mixed_with(&self, archive: &Archive, layered: &Layered, share: f64) -> Vec<f64> {
        let mix = |layer: &[f64], words: &[f64], slope: f64| -> Vec<f64> {
            layer
                .iter()
                .zip(words)
                .map(|(layer, words)| layer / slope / layered.spread + share * words / self.spread)
                .collect()
        };
        let held_out = mix(&layered.cross_validated, &self.cross_validated, 1.0);
        let train = fitted_rows(archive, layered.tests, FittedOn::Train);
        let slope = archive.design.agreement(&held_out, &train).slope;
        mix(&layered.scores, &self.scores, layered.slope).into_iter().map(|score| score * slope).collect()
    }
}

/// Rows that are fitted: of allowed tests with several headlines.
pub(crate) fn fitted_rows(archive: &Archive, tests: TrainingTests, fitted_on: FittedOn) -> Vec<usize> {
    let design: &Design = &archive.design;
    design.comparable(|idx| {
        let row = &archive.rows[idx];
        fitted_on.splits().contains(&row.split) && tests.allows(&row.test_id)
    })
}
