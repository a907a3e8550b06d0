//! The fitted models that the suites measure: layers on encoders, and mixtures with words.

use std::sync::Arc;

use spotwright_schemas::Problem;
use spotwright_scoring::baselines::ridge_scores;
use spotwright_scoring::data::{ClickTestRow, Split};
use spotwright_scoring::design::Design;
use spotwright_scoring::encoder::PretrainedEncoder;
use spotwright_scoring::last_layer::LastLayer;
use spotwright_scoring::load::MINILM_FOLDER;
use spotwright_scoring::train::{Settings, TrainingTests, archive_scores, fit};
use spotwright_scoring::words::{WordRidge, cross_validated};

use crate::archive::{Archive, Encoder};
use crate::command::Places;
use crate::eval::Arguments;
use crate::problem::scoring_problem;

/// Penalty of the word ridge, chosen by cross-validation on train tests.
pub(crate) const WORD_PENALTY: f64 = 4.0;

/// Penalty of the reference's ridge on MiniLM sentence vectors.
const SENTENCE_PENALTY: f64 = 30.0;

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
    /// Fits the layer of `encoder` on the archive's train split.
    pub(crate) fn fit(
        archive: &Archive,
        encoder: Encoder,
        tests: TrainingTests,
        places: &Places,
    ) -> Result<Self, Problem> {
        let loaded = encoder.load(places)?;
        let needed = archive.needed();
        let vectors = archive.vectors(loaded.as_ref(), &needed, places)?;
        Self::fit_on(archive, encoder, loaded.blocks(), &needed, vectors, tests)
    }

    /// The same with vectors that are at hand.
    pub(crate) fn fit_on(
        archive: &Archive,
        encoder: Encoder,
        n_blocks: usize,
        needed: &[usize],
        vectors: Vec<Arc<[f32]>>,
        tests: TrainingTests,
    ) -> Result<Self, Problem> {
        let rows = archive.select(needed);
        let settings = Settings::new(encoder.name(), n_blocks, tests);
        let fitted = fit(&rows, &vectors, &settings).map_err(|error| scoring_problem(&error))?;
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

/// Fits every encoder that is asked for and installed, on all tests and as the shipped models are, and
/// hands each fit to `measure`. Returns the encoders that are not installed.
///
/// # Errors
/// A table that cannot be fitted on, an encoder's files, or `measure`.
pub(crate) fn each_layered(
    archive: &Archive,
    arguments: &Arguments,
    places: &Places,
    mut measure: impl FnMut(Encoder, &'static str, &Layered) -> Result<(), Problem>,
) -> Result<Vec<&'static str>, Problem> {
    let mut not_installed = Vec::new();
    for (encoder, installed) in arguments.encoders(places) {
        if !installed {
            not_installed.push(encoder.name());
            continue;
        }
        for (rows, tests) in [("all", TrainingTests::Whole), ("shipped", TrainingTests::WithoutAudience)] {
            measure(encoder, rows, &Layered::fit(archive, encoder, tests, places)?)?;
        }
    }
    Ok(not_installed)
}

/// What the layer on an encoder is called in tables.
pub(crate) const fn ridge_name(encoder: Encoder) -> &'static str {
    match encoder {
        Encoder::Hashed => "ridge on hashed features",
        Encoder::Minilm => "ridge on MiniLM layers 0+3+5",
        Encoder::Mpnet => "ridge on MPNet layers 2+6+10",
        Encoder::E5 => "ridge on multilingual e5",
    }
}

/// Share of words in the mixture, chosen by cross-validation on train tests.
pub(crate) const fn word_share(encoder: Encoder) -> Option<f64> {
    match encoder {
        Encoder::Hashed | Encoder::E5 => None,
        Encoder::Minilm => Some(0.3),
        Encoder::Mpnet => Some(0.2),
    }
}

/// Log-odds of every row of the archive by the best recipe for `encoder`, fitted on the train split:
/// its layer, with words mixed in where cross-validation chose so; and what it is called.
///
/// # Errors
/// A table that cannot be fitted on, or the encoder's files.
pub(crate) fn recipe(
    archive: &Archive,
    encoder: Encoder,
    tests: TrainingTests,
    places: &Places,
) -> Result<(Vec<f64>, String), Problem> {
    let layered = Layered::fit(archive, encoder, tests, places)?;
    Ok(match word_share(encoder) {
        Some(share) => (
            Words::fit(archive, tests).mixed_with(archive, &layered, share),
            format!("{} + {share} words", ridge_name(encoder)),
        ),
        None => (layered.scores, ridge_name(encoder).to_owned()),
    })
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
/// As [`recipe`].
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
    pub(crate) fn fit(archive: &Archive, tests: TrainingTests) -> Self {
        let train = fitted_rows(archive, tests);
        let model = WordRidge::fit(&archive.rows, &archive.design, &train, WORD_PENALTY);
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
        let train = fitted_rows(archive, layered.tests);
        let slope = archive.design.agreement(&held_out, &train).slope;
        mix(&layered.scores, &self.scores, layered.slope).into_iter().map(|score| score * slope).collect()
    }
}

/// Rows of the train split that are fitted: allowed tests with several headlines.
pub(crate) fn fitted_rows(archive: &Archive, tests: TrainingTests) -> Vec<usize> {
    let design: &Design = &archive.design;
    design
        .comparable(|idx| archive.rows[idx].split == Split::Train && tests.allows(&archive.rows[idx].test_id))
}
