//! `scorer card`: what a model was fitted on, what it is worth and where it must not be trusted.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::load::{E5_CARD, HASHED_CARD, MINILM_CARD};
use spotwright_scoring::registry::with_card;

use crate::archive::Encoder;
use crate::command::Places;
use crate::problem::{output_problem, scoring_problem};

/// Arguments of `scorer card`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Model file made by `scorer train`; its content is checked against its card.
    #[arg(long, conflicts_with = "encoder")]
    pub model: Option<PathBuf>,
    /// Encoder of the shipped model.
    #[arg(long, value_enum, default_value = "minilm")]
    pub encoder: Encoder,
}

/// Prints the card.
///
/// # Errors
/// A model file that is missing, damaged or not the one its card names; an encoder that no shipped
/// model reads.
pub fn execute(
    arguments: &Arguments,
    _places: &Places,
    _json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let card = match (&arguments.model, arguments.encoder) {
        (Some(path), _) => with_card(path).map_err(|error| scoring_problem(&error))?.2,
        (None, Encoder::Minilm) => MINILM_CARD.to_owned(),
        (None, Encoder::Hashed) => HASHED_CARD.to_owned(),
        (None, Encoder::E5) => E5_CARD.to_owned(),
        (None, Encoder::Mpnet) => {
            return Err(Problem::new(
                Code::Option,
                "encoder",
                "no model on mpnet is shipped: make one with `scorer train --encoder mpnet` and give it with --model",
            ));
        }
    };
    out.write_all(card.as_bytes()).map_err(|error| output_problem(&error))
}
