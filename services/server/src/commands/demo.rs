//! `serve --demo`: an organization to look around in, with one run made on the normal path.
//!
//! Nothing about it is prepared by hand: its brief goes through the same requests as anybody's, the run is
//! planned, rendered, scored and played by the workers of this process, and its market numbers are as
//! simulated as all others. Only the name and the mark of the organization are the demo's own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Map, Value, json};
use spotwright_api::key::{self, KeyText, Pepper};
use spotwright_api::session::Links;
use spotwright_core::domain::account::{Limit, NewOrganization, Scope};
use spotwright_core::ports::accounts::{AccountError, AccountStore};
use spotwright_core::ports::clock::Clock;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::{Currency, Micros};
use tower::ServiceExt as _;

use super::accounts::configured_pepper;
use super::{print_text, to_stderr};
use crate::config::Config;
use crate::control::OperatingSystem;

/// The brief of the demo, and its pictures.
const BRIEF: &str = include_str!("../../../../examples/coffee-en/brief.yaml");
const PICTURES: [(&str, &[u8]); 3] = [
    ("coffee.png", include_bytes!("../../../../examples/coffee-en/coffee.png")),
    ("cup-tall.png", include_bytes!("../../../../examples/coffee-en/cup-tall.png")),
    ("cup-close.png", include_bytes!("../../../../examples/coffee-en/cup-close.png")),
];

/// The file that keeps the demo's pepper beside its database, where the configuration names none.
const PEPPER_FILE: &str = "demo-pepper";

/// How long the demo's keys are valid: a week.
const KEY_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Largest answer of the API that is read here.
const MOST_BYTES: usize = 1_000_000;

/// The organization of the demo, the same in every database.
#[must_use]
pub(crate) fn organization() -> OrganizationId {
    OrganizationId::derive(0, "demo", 0)
}

/// The configured pepper, or one of the demo's own that is made once and kept in the data folder.
///
/// # Errors
/// [`Code::Option`] for a configured one that is wrong; [`Code::Store`] when it cannot be kept.
pub(crate) fn pepper(config: &Config) -> Result<Pepper, Problem> {
    if !config.serve.pepper.is_empty() {
        return configured_pepper(config);
    }
    let path = Path::new(&config.serve.folder).join(PEPPER_FILE);
    let failed = |error: std::io::Error| {
        Problem::new(Code::Store, "serve.folder", format!("`{}`: {error}", path.display()))
    };
    let digits = match fs::read_to_string(&path) {
        Ok(digits) => digits,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let digits = super::accounts::pepper()?;
            write_private(&path, &digits).map_err(failed)?;
            digits
        }
        Err(error) => return Err(failed(error)),
    };
    let mut own = config.clone();
    digits.trim().clone_into(&mut own.serve.pepper);
    configured_pepper(&own)
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;

    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// The demo of a process, ready for its first visitor.
pub(crate) struct Demo {
    key: KeyText,
}

/// Makes the organization unless it is there, and a key for this start.
///
/// # Errors
/// [`Code::Store`].
pub(crate) async fn found(accounts: &Arc<dyn AccountStore>, pepper: &Pepper) -> Result<Demo, Problem> {
    let failed = |error: AccountError| Problem::new(Code::Store, "", error.to_string());
    let named = NewOrganization { id: organization(), name: "Harbor Lane (demo)".to_owned() };
    let (new, key) = key::issue(pepper, &OperatingSystem, "demo sign-in", &Scope::CUSTOMER, Some(KEY_MICROS))
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    if accounts.bootstrap(&named, &new).await.map_err(failed)? {
        let limit = Limit { cap: Micros(1_000_000_000), currency: Some(Currency::USD) };
        accounts.limit_organization(named.id, limit).await.map_err(failed)?;
    } else {
        accounts.add_key(named.id, &new).await.map_err(failed)?;
    }
    Ok(Demo { key })
}

impl Demo {
    /// Prints the address that signs in once.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] when there are no random bytes.
    pub(crate) fn print_link(&self, links: &Links, clock: &dyn Clock, address: &str) -> Result<(), Problem> {
        let unreadable = || Problem::new(Code::Prerequisite, "", "the demo's key cannot be read back");
        let (id, _) = KeyText::parse(self.key.expose()).ok_or_else(unreadable)?;
        let link = links
            .offer_link(&OperatingSystem, id, clock.now_micros())
            .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
        let host = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
        print_text(&format!(
            "The portal with a demo organization; this link signs in once, within the hour:\n\
             http://{host}/portal/signin#link={}\n",
            link.expose()
        ));
        Ok(())
    }

    /// Hands the demo's brief in and starts its run, unless it has one. What goes wrong is told and stops
    /// nothing: the portal works without.
    pub(crate) async fn fill(self, router: Router) -> Result<(), Problem> {
        match self.order(&router).await {
            Ok(true) => {
                to_stderr("The demo's run has begun; its videos appear in the portal as they are rendered.");
            }
            Ok(false) => {}
            Err(reason) => to_stderr(&format!("The demo's run did not begin: {reason}")),
        }
        // The service goes on until it is told to stop, and a task that ends would stop it.
        std::future::pending().await
    }

    async fn order(&self, router: &Router) -> Result<bool, String> {
        let runs = self.ask(router, "GET", "/v1/runs?limit=1", "", Vec::new()).await?;
        if runs["data"].as_array().is_some_and(|data| !data.is_empty()) {
            return Ok(false);
        }
        let mut assets = Map::new();
        for (name, bytes) in PICTURES {
            let path = format!("/v1/assets?name={name}");
            let asset = self.ask(router, "POST", &path, "image/png", bytes.to_vec()).await?;
            assets.insert(name.to_owned(), asset["id"].clone());
        }
        let brief: Value = serde_saphyr::from_str(BRIEF).map_err(|error| error.to_string())?;
        let order = json!({ "brief": brief, "assets": assets });
        let brief = self.ask(router, "POST", "/v1/briefs", "application/json", text_of(&order)).await?;
        let order = json!({ "brief": brief["id"], "generations": 2, "variants": 6, "winners": 3, "seed": 1 });
        self.ask(router, "POST", "/v1/runs", "application/json", text_of(&order)).await?;
        Ok(true)
    }

    /// One request, inside the process.
    async fn ask(
        &self,
        router: &Router,
        method: &str,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> Result<Value, String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .header(
                "idempotency-key",
                format!("demo-{}", path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
            )
            .header("content-type", media_type)
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let answer = router.clone().oneshot(request).await.map_err(|never| never.to_string())?;
        let status = answer.status();
        let bytes =
            axum::body::to_bytes(answer.into_body(), MOST_BYTES).await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        if status.is_success() { Ok(answer) } else { Err(format!("{method} {path}: {answer}")) }
    }
}

fn text_of(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_brief_names_the_pictures_that_are_embedded() {
        let brief: Value = serde_saphyr::from_str(BRIEF).unwrap();
        let named: Vec<&str> = brief["product"]["pictures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|picture| picture["file"].as_str().unwrap())
            .collect();
        assert_eq!(named, PICTURES.map(|(name, _)| name));
    }

    #[test]
    fn the_pepper_of_the_demo_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap();
        config.serve.folder = folder.path().display().to_string();
        config.serve.pepper = String::new();
        let (_, text) =
            key::issue(&pepper(&config).unwrap(), &OperatingSystem, "a", &Scope::CUSTOMER, None).unwrap();
        let (first, again) = (pepper(&config).unwrap(), pepper(&config).unwrap());
        assert_eq!(first.mac(&text), again.mac(&text));
        config.serve.pepper = "00".repeat(32);
        assert_ne!(pepper(&config).unwrap().mac(&text), first.mac(&text));
    }
}
