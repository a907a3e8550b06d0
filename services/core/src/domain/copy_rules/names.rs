//! The names of a brief: what they hold is not judged as a claim.

use spotwright_schemas::brief::Brief;

/// Brand, product, and the product as spoken. A term or a figure inside one of them is part of a
/// name: `Best Bean` claims no rank, `Drumlin 2` counts nothing.
#[must_use]
pub fn of(brief: &Brief) -> [&str; 3] {
    [brief.brand.name.as_str(), brief.product.name.as_str(), brief.spoken_name()]
}
