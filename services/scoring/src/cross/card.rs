//! What a saved network was fitted on, and the check that a file is the one its card names.

use serde::{Deserialize, Serialize};

use super::train::Settings;
use super::{CrossNetwork, FORMAT, Shape};
use crate::error::Error;

/// Longer cards are refused.
const MAX_CARD_BYTES: usize = 1 << 20;

/// The JSON card beside a network's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossCard {
    /// Format of the file.
    pub format: String,
    /// Name and first 12 hexadecimal digits of the file's BLAKE3.
    pub id: String,
    /// BLAKE3 of the file.
    pub weights_blake3: String,
    /// Sizes.
    pub shape: Shape,
    /// The embedded fields in their order, then the crosses, then the dense numbers.
    pub inputs: Vec<String>,
    /// Center and scale of each dense number before it enters the network.
    pub scales: Vec<[f64; 2]>,
    /// Upper ends of the bins, all but the last, of the field that is a number in bins.
    pub bins: Vec<f64>,
    /// Where the rows came from.
    pub data: String,
    /// SHA-256 of the table.
    pub data_sha256: String,
    /// Which rows were fitted.
    pub split: String,
    /// Number of rows fitted.
    pub rows: usize,
    /// How it was fitted.
    pub settings: Settings,
    /// Area under the curve and logistic loss on rows that were not fitted.
    pub test: [f64; 2],
    /// What it must not be trusted with.
    pub limits: Vec<String>,
}

impl CrossCard {
    /// Fills in format, id, hash and shape from the file `bytes`; `name` begins the id.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: `bytes` are no network.
    pub fn seal(mut self, bytes: &[u8], name: &str) -> Result<Self, Error> {
        let network = CrossNetwork::from_bytes(bytes, name)?;
        let hash = blake3::hash(bytes).to_hex();
        FORMAT.clone_into(&mut self.format);
        self.id = format!("{name}@{hash:.12}");
        self.weights_blake3 = hash.to_string();
        self.shape = *network.shape();
        Ok(self)
    }
}

/// Reads a network whose content is the one its card names; `name` is used in errors.
///
/// # Errors
/// [`Error::ModelFile`]: the card is none, or of another format or file; or the file is damaged.
pub fn checked(bytes: &[u8], card: &[u8], name: &str) -> Result<(CrossNetwork, CrossCard), Error> {
    let fail = |message: String| Error::model_file(name, message);
    if card.len() > MAX_CARD_BYTES {
        return Err(fail(format!("a card of {} bytes; at most {MAX_CARD_BYTES} are read", card.len())));
    }
    let card: CrossCard =
        serde_json::from_slice(card).map_err(|error| fail(format!("not a card: {error}")))?;
    if card.format != FORMAT {
        return Err(fail(format!("the card's format is `{:.60}`, expected `{FORMAT}`", card.format)));
    }
    let found = blake3::hash(bytes).to_hex();
    if card.weights_blake3 != found.as_str() {
        return Err(fail(format!("blake3 is {found}, the card says `{:.64}`", card.weights_blake3)));
    }
    let network = CrossNetwork::from_bytes(bytes, name)?;
    if *network.shape() != card.shape {
        return Err(fail(format!("the shape is {:?}, the card says {:?}", network.shape(), card.shape)));
    }
    Ok((network, card))
}
