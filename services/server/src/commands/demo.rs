//! `serve --demo`: an organization to look around in, filled on the normal path.
//!
//! Nothing about it is prepared by hand: its briefs go through the same requests as anybody's, its runs are
//! planned, rendered, scored and played by the workers of this process, its experiments are played in the
//! market, and all these numbers are as simulated as any. What it hands in as results of a platform is an
//! example, and the names of its campaign and import say so. Only the name and the mark of the organization
//! are the demo's own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Map, Value, json};
use spotwright_api::key::{self, KeyText, Pepper};
use spotwright_api::session::Links;
use spotwright_core::domain::account::{Limit, NewOrganization, OrganizationContext, Scope};
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

/// A brief of the demo, and its pictures.
struct Sample {
    name: &'static str,
    brief: &'static str,
    pictures: [(&'static str, &'static [u8]); 3],
}

const SAMPLES: [Sample; 2] = [
    Sample {
        name: "coffee",
        brief: include_str!("../../../../examples/coffee-en/brief.yaml"),
        pictures: [
            ("coffee.png", include_bytes!("../../../../examples/coffee-en/coffee.png")),
            ("cup-tall.png", include_bytes!("../../../../examples/coffee-en/cup-tall.png")),
            ("cup-close.png", include_bytes!("../../../../examples/coffee-en/cup-close.png")),
        ],
    },
    Sample {
        name: "cat",
        brief: include_str!("../../../../examples/cat-zh/brief.yaml"),
        pictures: [
            ("chelsea.png", include_bytes!("../../../../examples/cat-zh/chelsea.png")),
            ("cat-tall.png", include_bytes!("../../../../examples/cat-zh/cat-tall.png")),
            ("cat-close.png", include_bytes!("../../../../examples/cat-zh/cat-close.png")),
        ],
    },
];

/// How often the state of a run is looked at while the demo fills.
const LOOK: Duration = Duration::from_secs(2);

/// How long the demo waits for a run to end before it leaves the rest out.
const PATIENCE: u32 = 900;

/// The file that keeps the demo's pepper beside its database, where the configuration names none.
const PEPPER_FILE: &str = "demo-pepper";

/// How long the demo's keys are valid: a week.
const KEY_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Largest answer of the API that is read here.
const MOST_BYTES: usize = 1_000_000;

/// Demos that a database may have had: each that was removed makes room for another one.
const MOST_DEMOS: u64 = 1_000;

/// The organization of a demo, the same in every database.
fn organization(number: u64) -> OrganizationId {
    OrganizationId::derive(0, "demo", number)
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

/// The address of this service as a browser on this machine opens it.
pub(crate) fn host(address: &str) -> String {
    address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")
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
    organization: OrganizationId,
}

/// Makes the organization unless it is there, and a key for this start. One that was removed stays removed:
/// another one takes its place.
///
/// # Errors
/// [`Code::Store`]; [`Code::Prerequisite`] without random bytes, and where too many demos were removed.
pub(crate) async fn found(accounts: &Arc<dyn AccountStore>, pepper: &Pepper) -> Result<Demo, Problem> {
    let failed = |error: AccountError| Problem::new(Code::Store, "", error.to_string());
    let (new, key) = key::issue(pepper, &OperatingSystem, "demo sign-in", &Scope::CUSTOMER, Some(KEY_MICROS))
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    for number in 0..MOST_DEMOS {
        let named = NewOrganization { id: organization(number), name: "Harbor Lane (demo)".to_owned() };
        let organization = named.id;
        if accounts.bootstrap(&named, &new).await.map_err(failed)? {
            let limit = Limit { cap: Micros(5_000_000_000), currency: Some(Currency::USD) };
            accounts.limit_organization(organization, limit).await.map_err(failed)?;
            return Ok(Demo { key, organization });
        }
        let context = OrganizationContext { organization, key: new.id };
        if accounts.organization(context).await.map_err(failed)?.frozen_at.is_none() {
            accounts.add_key(organization, &new).await.map_err(failed)?;
            return Ok(Demo { key, organization });
        }
    }
    let message = format!("{MOST_DEMOS} demos were removed from this database; begin with an empty one");
    Err(Problem::new(Code::Prerequisite, "serve.folder", message))
}

impl Demo {
    /// The organization that it fills.
    pub(crate) const fn organization(&self) -> OrganizationId {
        self.organization
    }

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
        let host = host(address);
        print_text(&format!(
            "The portal with a demo organization; this link signs in once, within the hour:\n\
             http://{host}/portal/signin#link={}\n",
            link.expose()
        ));
        Ok(())
    }

    /// Fills the organization: what it has from an earlier start stays. What goes wrong is told and stops
    /// nothing: the portal works without.
    pub(crate) async fn fill(self, router: Router) -> Result<(), Problem> {
        if let Err(reason) = self.order(&router).await {
            to_stderr(&format!("The demo is not filled whole: {reason}"));
        }
        // The service goes on until it is told to stop, and a task that ends would stop it.
        std::future::pending().await
    }

    async fn order(&self, router: &Router) -> Result<(), String> {
        // Oldest first: the first two are played to their end, the third waits for somebody's approval.
        let listed = self.get(router, "/v1/runs?limit=10").await?;
        let mut runs: Vec<String> =
            data(&listed).iter().rev().filter_map(|run| run["id"].as_str().map(str::to_owned)).collect();
        if runs.is_empty() {
            to_stderr("The demo's runs have begun; their videos appear in the portal as they are rendered.");
        }
        for (idx, sample) in SAMPLES.iter().enumerate().skip(runs.len()) {
            let brief = self.hand_in(router, sample).await?;
            let order =
                json!({ "brief": brief, "generations": 2, "variants": 6, "winners": 3, "seed": idx + 1 });
            runs.push(self.start(router, sample.name, &order).await?);
        }
        for run in &runs[..SAMPLES.len()] {
            self.until_finished(router, run).await?;
        }
        self.hand_in_results(router, &runs[0]).await?;
        self.compare(router, &runs[0]).await?;
        if runs.len() == SAMPLES.len() {
            let brief = self.get(router, &format!("/v1/runs/{}", runs[0])).await?["order"]["brief"].clone();
            let order =
                json!({ "brief": brief, "variants": 3, "winners": 1, "approval": "scripts", "seed": 3 });
            self.start(router, "coffee-reviewed", &order).await?;
        }
        Ok(())
    }

    /// The brief of a sample, with its pictures.
    async fn hand_in(&self, router: &Router, sample: &Sample) -> Result<Value, String> {
        let mut assets = Map::new();
        for (name, bytes) in sample.pictures {
            let path = format!("/v1/assets?name={name}");
            let asset = self.ask(router, name, ("POST", &path, "image/png"), bytes.to_vec()).await?;
            assets.insert(name.to_owned(), asset["id"].clone());
        }
        let mut brief: Value = serde_saphyr::from_str(sample.brief).map_err(|error| error.to_string())?;
        // The demo's budget is in one currency.
        brief["budget"]["currency"] = json!("USD");
        let order = json!({ "brief": brief, "assets": assets });
        Ok(self.post(router, sample.name, "/v1/briefs", &order).await?["id"].clone())
    }

    async fn start(&self, router: &Router, name: &str, order: &Value) -> Result<String, String> {
        let run = self.post(router, &format!("run-{name}"), "/v1/runs", order).await?;
        run["id"].as_str().map(str::to_owned).ok_or_else(|| "a run without an id".to_owned())
    }

    async fn until_finished(&self, router: &Router, run: &str) -> Result<(), String> {
        for _ in 0..PATIENCE {
            if self.get(router, &format!("/v1/runs/{run}")).await?["stage"] == "finished" {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(format!("run {run} has not ended"))
    }

    /// What a platform would report of the winners of a run: an example, and named so.
    async fn hand_in_results(&self, router: &Router, run: &str) -> Result<(), String> {
        let won = self.get(router, &format!("/v1/runs/{run}/variants?state=won&limit=3")).await?;
        let mut rows = Vec::new();
        for (idx, variant) in data(&won).iter().enumerate() {
            let Some(id) = variant["id"].as_str() else { continue };
            let ad = format!("12024{:04}", idx + 1);
            let known =
                json!({ "external_refs": [{ "platform": "meta", "account": "act_example", "id": ad }] });
            let path = format!("/v1/variants/{id}/external-refs");
            self.ask(router, "", ("PUT", &path, "application/json"), text_of(&known)).await?;
            let (impressions, clicks, spend) = EXAMPLE_RESULTS[idx % EXAMPLE_RESULTS.len()];
            rows.push(json!({
                "ad_id": ad, "ad_name": format!("Example ad {}", idx + 1), "campaign": "Example campaign (demo)",
                "start": "2026-09-07", "end": "2026-09-13", "impressions": impressions, "clicks": clicks,
                "click_column": "Link clicks", "spend": spend,
            }));
        }
        let batch = json!({ "platform": "meta", "currency": "USD", "time_zone": "America/New_York",
            "name": "Example results (demo)", "observations": rows });
        self.post(router, "results", "/v1/observations/batch", &batch).await.map(drop)
    }

    /// Two experiments over the winners of the first run, unless there are any: one is played at once to its
    /// verdict, the other at the pace of the clock.
    async fn compare(&self, router: &Router, run: &str) -> Result<(), String> {
        let known = self.get(router, "/v1/experiments?limit=1").await?;
        let won = self.get(router, &format!("/v1/runs/{run}/variants?state=won&limit=3")).await?;
        let winners: Vec<&Value> = data(&won).iter().map(|variant| &variant["id"]).collect();
        if !data(&known).is_empty() || winners.len() < 2 {
            return Ok(());
        }
        let arms = |chosen: &[&Value]| chosen.iter().map(|id| json!({ "variant": id })).collect::<Vec<_>>();
        let hypothesis = "Another opening earns more clicks for each impression than the one of today.";
        for (name, chosen, day_seconds) in [
            ("All winners against the first", &winners[..], 0),
            ("Two winners, a day every ten minutes", &winners[..2], 600),
        ] {
            let order = json!({ "name": name, "run": run, "hypothesis": hypothesis, "primary": "ctr",
                "arms": arms(chosen), "traffic": { "day_seconds": day_seconds } });
            let made =
                self.post(router, &format!("experiment-{day_seconds}"), "/v1/experiments", &order).await?;
            let id = made["id"].as_str().unwrap_or_default();
            let path = format!("/v1/experiments/{id}/start");
            self.ask(router, "", ("POST", &path, "application/json"), b"{}".to_vec()).await?;
        }
        Ok(())
    }

    async fn get(&self, router: &Router, path: &str) -> Result<Value, String> {
        self.ask(router, "", ("GET", path, "application/json"), Vec::new()).await
    }

    async fn post(&self, router: &Router, name: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.ask(router, name, ("POST", path, "application/json"), text_of(body)).await
    }

    /// One request, inside the process.
    async fn ask(
        &self,
        router: &Router,
        name: &str,
        (method, path, media_type): (&str, &str, &str),
        body: Vec<u8>,
    ) -> Result<Value, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .header("content-type", media_type);
        if !name.is_empty() {
            request = request.header("idempotency-key", format!("demo-{name}"));
        }
        let request = request.body(Body::from(body)).map_err(|error| error.to_string())?;
        let answer = router.clone().oneshot(request).await.map_err(|never| never.to_string())?;
        let status = answer.status();
        let bytes =
            axum::body::to_bytes(answer.into_body(), MOST_BYTES).await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        if status.is_success() { Ok(answer) } else { Err(format!("{method} {path}: {answer}")) }
    }
}

/// Impressions, clicks and spend of the example ads; three so that they differ as ads do.
const EXAMPLE_RESULTS: [(u64, u64, &str); 3] =
    [(18_240, 214, "126.40"), (17_915, 301, "131.05"), (18_507, 162, "119.80")];

/// The entries of a list's answer.
fn data(list: &Value) -> &[Value] {
    list["data"].as_array().map_or(&[], Vec::as_slice)
}

fn text_of(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_briefs_name_the_pictures_that_are_embedded() {
        for sample in &SAMPLES {
            let brief: Value = serde_saphyr::from_str(sample.brief).unwrap();
            let named: Vec<&str> = brief["product"]["pictures"]
                .as_array()
                .unwrap()
                .iter()
                .map(|picture| picture["file"].as_str().unwrap())
                .collect();
            assert_eq!(named, sample.pictures.map(|(name, _)| name), "{}", sample.name);
        }
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
