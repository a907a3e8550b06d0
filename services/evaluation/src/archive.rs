//! The archive of click tests with the vectors that models need.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::data::{ClickTestRow, Split, read_click_tests};
use spotwright_scoring::design::Design;
use spotwright_scoring::encoder::{
    E5_FILE, E5Encoder, HashedEncoder, PRETRAINED_FILES, PretrainedEncoder, TextEncoder,
};
use spotwright_scoring::hash::sha256_hex;
use spotwright_scoring::load::{E5_FOLDER, MINILM_FOLDER};
use spotwright_scoring::log_rows;

use crate::command::Places;
use crate::problem::{io_problem, scoring_problem};
use crate::vectors::headline_vectors;

/// Encoders that a model can be fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoder {
    /// Hashed words and characters; nothing to install.
    Hashed,
    /// Means of layers 0, 3 and 5 of all-MiniLM-L6-v2.
    Minilm,
    /// Means of layers 2, 6 and 10 of all-mpnet-base-v2.
    Mpnet,
    /// multilingual-e5-small, for Chinese as for English.
    E5,
}

impl Encoder {
    /// Name in model files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hashed => "hashed",
            Self::Minilm => "minilm",
            Self::Mpnet => "mpnet",
            Self::E5 => "e5",
        }
    }

    /// By the name in a model file.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        [Self::Hashed, Self::Minilm, Self::Mpnet, Self::E5].into_iter().find(|encoder| encoder.name() == name)
    }

    /// Folder below the models' folder; `None` when nothing has to be installed.
    pub(crate) fn folder(self, places: &Places) -> Option<PathBuf> {
        match self {
            Self::Hashed => None,
            Self::Minilm => Some(places.models.join(MINILM_FOLDER)),
            Self::Mpnet => Some(places.models.join("all-mpnet-base-v2")),
            Self::E5 => Some(places.models.join(E5_FOLDER)),
        }
    }

    /// Whether any of its files is there; whether they are the right ones is seen on loading.
    pub(crate) fn is_installed(self, places: &Places) -> bool {
        let files: &[&str] = if self == Self::E5 { &[E5_FILE] } else { &PRETRAINED_FILES };
        self.folder(places)
            .is_none_or(|folder| files.iter().any(|name| folder.join(name).symlink_metadata().is_ok()))
    }

    /// Loads it.
    pub(crate) fn load(self, places: &Places) -> Result<Box<dyn TextEncoder>, Problem> {
        let Some(folder) = self.folder(places) else { return Ok(Box::new(HashedEncoder)) };
        if !self.is_installed(places) {
            let how = if self == Self::Mpnet { " --with mpnet" } else { "" };
            return Err(Problem::new(
                Code::Prerequisite,
                "encoder",
                format!("{} is not installed: run `./infra/setup.sh run{how}`", folder.display()),
            ));
        }
        let loaded = match self {
            Self::E5 => E5Encoder::load(&folder).map(|encoder| Box::new(encoder) as Box<dyn TextEncoder>),
            Self::Mpnet => PretrainedEncoder::mpnet(&folder).map(|encoder| Box::new(encoder) as _),
            _ => PretrainedEncoder::minilm(&folder).map(|encoder| Box::new(encoder) as _),
        };
        loaded.map_err(|error| scoring_problem(&error))
    }
}

/// Click tests, or the log rows of runs, as click tests.
fn read_table(table: &Path) -> Result<Vec<ClickTestRow>, spotwright_scoring::Error> {
    if log_rows::holds_log_rows(table)? {
        return log_rows::click_tests(&log_rows::read(table)?);
    }
    read_click_tests(table)
}

/// The rows that a model is fitted or judged on, with the vectors of their headlines.
pub(crate) struct Encoded {
    /// Their places in the table.
    pub(crate) needed: Vec<usize>,
    pub(crate) rows: Vec<ClickTestRow>,
    pub(crate) vectors: Vec<Arc<[f32]>>,
    /// Blocks of each vector.
    pub(crate) n_blocks: usize,
}

/// A table of click tests.
pub(crate) struct Archive {
    pub(crate) rows: Vec<ClickTestRow>,
    pub(crate) design: Design,
    pub(crate) sha256: String,
}

impl Archive {
    /// Reads `table`, or the Upworthy archive in the data folder.
    pub(crate) fn read(table: Option<&Path>, places: &Places) -> Result<Self, Problem> {
        let table = match (table, &places.data) {
            (Some(table), _) => table.to_path_buf(),
            (None, Some(data)) => data.join("upworthy/upworthy_split.parquet"),
            (None, None) => {
                return Err(Problem::new(
                    Code::Prerequisite,
                    "table",
                    "no table is given and no data folder is configured (SPOTWRIGHT_DATA)",
                ));
            }
        };
        let rows = read_table(&table).map_err(|error| scoring_problem(&error))?;
        let sha256 = sha256_hex(&fs::read(&table).map_err(|error| io_problem(&table, &error))?);
        Ok(Self { design: Design::new(&rows), rows, sha256 })
    }

    /// The rows that a model is fitted or judged on, read by `encoder`.
    pub(crate) fn encoded(&self, encoder: Encoder, places: &Places) -> Result<Encoded, Problem> {
        let encoder = encoder.load(places)?;
        let needed = self.needed();
        let vectors = self.vectors(encoder.as_ref(), &needed, places)?;
        Ok(Encoded { rows: self.select(&needed), needed, vectors, n_blocks: encoder.blocks() })
    }

    /// Rows that a model is fitted or judged on: of the train split those with rivals, of the other
    /// splits all. Splits are whole tests, so these are whole tests too.
    fn needed(&self) -> Vec<usize> {
        (0..self.rows.len())
            .filter(|&idx| {
                self.rows[idx].split != Split::Train
                    || self.design.several_headlines[self.design.test_of[idx]]
            })
            .collect()
    }

    /// Rows of one split.
    pub(crate) fn of_split(&self, split: Split) -> Vec<usize> {
        (0..self.rows.len()).filter(|&idx| self.rows[idx].split == split).collect()
    }

    /// Vectors of the headlines of some rows.
    pub(crate) fn vectors(
        &self,
        encoder: &dyn TextEncoder,
        rows: &[usize],
        places: &Places,
    ) -> Result<Vec<Arc<[f32]>>, Problem> {
        let headlines: Vec<&str> = rows.iter().map(|&idx| self.rows[idx].headline.as_str()).collect();
        headline_vectors(encoder, &headlines, &places.cache)
    }

    /// Copies of some rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Vec<ClickTestRow> {
        rows.iter().map(|&idx| self.rows[idx].clone()).collect()
    }
}
