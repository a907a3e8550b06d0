//! What can go wrong in the market.

/// Why the market could not be built or fitted. Every variant is permanent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The audience card is damaged or is not the one this version was built with.
    #[error("audience card: {0}")]
    Card(String),
    /// An option is out of its range.
    #[error("options: {0}")]
    Options(String),
    /// There is too little data to fit an audience.
    #[error("fit: {0}")]
    Fit(String),
    /// The creative cannot be shown.
    #[error("creative: {0}")]
    Creative(String),
}
