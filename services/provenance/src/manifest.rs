//! C2PA manifests of MP4 files.
//!
//! # Source
//! C2PA Technical Specification 2, `c2pa.created` with the digital source types of IPTC:
//! `trainedAlgorithmicMedia` for what a generative model made, `compositeWithTrainedAlgorithmicMedia` where
//! such parts were composed, `algorithmicMedia` for what a program composes without one.

use std::fs::File;
use std::path::Path;

use c2pa::{Builder, Context, Reader, Signer, SigningAlg, ValidationState, create_signer};
use serde_json::{Value, json};
use spotwright_core::ports::provenance::{Origin, Provenance, ProvenanceError, Statement};

/// The format of everything that is signed here.
const MP4: &str = "video/mp4";
/// The assertion that carries our own id.
const OWN: &str = "org.spotwright.origin";
/// Where the names of digital source types begin.
const SOURCE_TYPE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";
/// No look-ups: a certificate is believed or not by what lies on this machine.
const SETTINGS: &str =
    r#"{"verify": {"verify_trust": false, "ocsp_fetch": false, "remote_manifest_fetch": false}}"#;

/// A certificate chain and its private key, both PEM; ES256, as most authorities issue for C2PA.
pub struct Keys<'a> {
    /// The chain, the signer's certificate first.
    pub certificates: &'a [u8],
    /// The private key of the first certificate, PKCS #8.
    pub key: &'a [u8],
}

/// Signs with one certificate.
pub struct C2pa {
    signer: Box<dyn Signer + Send + Sync>,
}

impl C2pa {
    /// A signer of these keys.
    ///
    /// # Errors
    /// [`ProvenanceError`] for a certificate or key that cannot be used, and for a pair that does not match.
    pub fn new(keys: &Keys<'_>) -> Result<Self, ProvenanceError> {
        let signer = create_signer::from_keys(keys.certificates, keys.key, SigningAlg::Es256, None).map_err(
            |error| ProvenanceError(format!("the certificate or its key cannot be used: {error}")),
        )?;
        Ok(Self { signer })
    }

    /// A signer with a certificate that is made for it now and that nobody knows: for trying out.
    ///
    /// # Errors
    /// [`ProvenanceError`] where no key can be made.
    pub fn unknown() -> Result<Self, ProvenanceError> {
        let signer = c2pa::EphemeralSigner::new("spotwright.local").map_err(refused)?;
        Ok(Self { signer: Box::new(signer) })
    }

    fn context() -> Result<Context, ProvenanceError> {
        Context::new().with_settings(SETTINGS).map_err(refused)
    }
}

fn refused(error: impl std::fmt::Display) -> ProvenanceError {
    ProvenanceError(error.to_string())
}

/// What is stated, as the crate wants it.
fn definition(origin: &Origin) -> Value {
    let kind = if origin.generated { "compositeWithTrainedAlgorithmicMedia" } else { "algorithmicMedia" };
    json!({
        "title": origin.produce_id,
        "format": MP4,
        "claim_generator_info": [{ "name": "spotwright", "version": env!("CARGO_PKG_VERSION") }],
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": { "actions": [{
                    "action": "c2pa.created",
                    "digitalSourceType": format!("{SOURCE_TYPE}{kind}"),
                }] },
            },
            { "label": OWN, "data": { "produce_id": origin.produce_id } },
        ],
    })
}

impl Provenance for C2pa {
    fn seal(&self, video: &Path, origin: &Origin, signed: &Path) -> Result<(), ProvenanceError> {
        let mut builder =
            Builder::from_context(Self::context()?).with_definition(definition(origin)).map_err(refused)?;
        let mut from = File::open(video).map_err(refused)?;
        let mut to = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(signed)
            .map_err(refused)?;
        builder.sign(self.signer.as_ref(), MP4, &mut from, &mut to).map_err(refused)?;
        to.sync_all().map_err(refused)
    }

    fn read(&self, video: &Path) -> Result<Statement, ProvenanceError> {
        let file = File::open(video).map_err(refused)?;
        let reader = Reader::from_context(Self::context()?).with_stream(MP4, file).map_err(refused)?;
        if reader.validation_state() == ValidationState::Invalid {
            let faults: Vec<String> = reader
                .validation_status()
                .unwrap_or_default()
                .iter()
                .map(|status| status.code().to_owned())
                .collect();
            return Err(ProvenanceError(format!("the statement is not valid: {}", faults.join(", "))));
        }
        let manifest =
            reader.active_manifest().ok_or_else(|| ProvenanceError("there is no statement".to_owned()))?;
        let own: Value = manifest.find_assertion(OWN).map_err(refused)?;
        let produce_id = own.get("produce_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let signer = manifest.issuer().unwrap_or_default();
        Ok(Statement { produce_id, signer })
    }
}
