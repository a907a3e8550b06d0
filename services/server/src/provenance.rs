//! Who signs finished videos.

use std::sync::Arc;

use spotwright_core::ports::provenance::Provenance;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::config;

/// The signer that the configuration names; `None` where it names none.
///
/// # Errors
/// [`Code::Option`] for one file without the other, files that cannot be read or used, and in a program that
/// was built without the feature `c2pa`.
pub fn signer(config: &config::Provenance) -> Result<Option<Arc<dyn Provenance>>, Problem> {
    match (config.certificates.is_empty(), config.key.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => signing(config).map(Some),
        (true, false) => Err(wrong("certificates", "a key needs its certificates")),
        (false, true) => Err(wrong("key", "certificates need their key")),
    }
}

fn wrong(key: &str, message: impl Into<String>) -> Problem {
    Problem::new(Code::Option, format!("provenance.{key}"), message)
}

#[cfg(feature = "c2pa")]
fn signing(config: &config::Provenance) -> Result<Arc<dyn Provenance>, Problem> {
    let read = |key: &str, file: &str| {
        std::fs::read(file).map_err(|error| wrong(key, format!("{file} cannot be read: {error}")))
    };
    let (certificates, key) = (read("certificates", &config.certificates)?, read("key", &config.key)?);
    let keys = spotwright_provenance::Keys { certificates: &certificates, key: &key };
    let signer =
        spotwright_provenance::C2pa::new(&keys).map_err(|error| wrong("certificates", error.to_string()))?;
    Ok(Arc::new(signer))
}

#[cfg(not(feature = "c2pa"))]
fn signing(_: &config::Provenance) -> Result<Arc<dyn Provenance>, Problem> {
    Err(wrong("certificates", "this program was built without the feature `c2pa`, which signs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_named_signs_nothing_and_half_a_pair_is_refused() {
        let named = |certificates: &str, key: &str| config::Provenance {
            certificates: certificates.to_owned(),
            key: key.to_owned(),
        };
        assert!(signer(&named("", "")).is_ok_and(|signer| signer.is_none()));
        for (certificates, key) in
            [("chain.pem", ""), ("", "key.pem"), ("no/such/chain.pem", "no/such/key.pem")]
        {
            let problem = signer(&named(certificates, key)).err().expect("refused");
            assert!(problem.field.starts_with("provenance."), "{problem:?}");
        }
    }
}
