//! Makes ordered reports: claims one at a time, makes its table, and stores the file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::domain::report::{
    Cell, ClaimedReport, DEADLINE, Exposure, MAX_ATTEMPTS, ReportFile, Table,
};
use spotwright_core::ports::accounts::AccountStore;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::observations::ObservationStore;
use spotwright_core::ports::reports::ElementAnalysis;
use spotwright_core::spine::Shutdown;
use spotwright_core::use_cases::reports::{self, Sources};
use spotwright_experiment::analysis::elements::{ElementRow, ElementUnit, elements};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// How long a claim holds without an end.
const LEASE: Duration = Duration::from_mins(2);

/// How often an idle process looks for orders.
const LOOK: Duration = Duration::from_millis(500);

/// Confidence of intervals is 1 − this.
const ALPHA: f64 = 0.05;

/// Share of false ones among the lifts that are called significant.
const FALSE_DISCOVERIES: f64 = 0.05;

/// Makes reports until the service stops.
pub struct ReportMaker {
    /// Orders, and what reports are made from.
    pub accounts: Arc<dyn AccountStore>,
    /// What ads did.
    pub observations: Arc<dyn ObservationStore>,
    /// Where files go.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Time, for deadlines.
    pub clock: Arc<dyn Clock>,
}

impl ReportMaker {
    /// Makes reports one after the other.
    ///
    /// # Errors
    /// None: what cannot be done now is tried again.
    pub async fn run(self, mut shutdown: Shutdown) -> Result<(), Problem> {
        while !shutdown.is_set() {
            let worked = match self.turn().await {
                Ok(worked) => worked,
                Err(problem) => {
                    tracing::warn!(%problem, "reports cannot be made now");
                    false
                }
            };
            if !worked {
                tokio::select! {
                    () = shutdown.wait() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        }
        Ok(())
    }

    /// Makes the next report, if there is one. Whether there was.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn turn(&self) -> Result<bool, Problem> {
        let Some(claim) = self.accounts.claim_report(LEASE).await? else { return Ok(false) };
        let late = self.clock.now_micros() > claim.created_at.saturating_add(DEADLINE);
        let made = if claim.attempts > MAX_ATTEMPTS || late {
            let message = "it could not be made in time; order it again";
            Err(Problem::new(Code::StepFailed, "", message))
        } else {
            self.make(&claim).await
        };
        match made {
            // The store was away: the claim runs out, and the report is made again.
            Err(problem) if matches!(problem.code, Code::Store | Code::Unavailable) => Err(problem),
            made => {
                let held = self.accounts.end_report(&claim, made).await?;
                tracing::info!(report.id = %claim.id, report.held = held, "a report has ended");
                Ok(true)
            }
        }
    }

    async fn make(&self, claim: &ClaimedReport) -> Result<ReportFile, Problem> {
        let sources = Sources {
            accounts: self.accounts.as_ref(),
            observations: self.observations.as_ref(),
            analysis: &Elements,
        };
        let table = reports::table(&sources, claim).await?;
        let (artifacts, format) = (Arc::clone(&self.artifacts), claim.order.format);
        let stored = tokio::task::spawn_blocking(move || {
            let bytes = table.written(format);
            let hash = artifacts
                .put(&bytes)
                .map_err(|error| Problem::new(Code::Unavailable, "", error.to_string()))?;
            Ok::<_, Problem>(ReportFile { hash, rows: table.rows.len() as u64, bytes: bytes.len() as u64 })
        });
        stored.await.map_err(|error| Problem::new(Code::Internal, "", error.to_string()))?
    }
}

/// Attribution by the statistics of experiments.
#[derive(Debug, Clone, Copy, Default)]
pub struct Elements;

impl ElementAnalysis for Elements {
    fn attribute(&self, source: &'static str, exposures: &[Exposure]) -> Result<Table, Problem> {
        let units: Vec<ElementUnit> = exposures.iter().flat_map(units_of).collect();
        let rows = elements(&units, ALPHA)
            .map_err(|error| Problem::new(Code::StoreFormat, "", error.to_string()))?;
        let columns = vec![
            "source",
            "element",
            "value",
            "variants",
            "impressions",
            "clicks",
            "ctr",
            "ctr_low",
            "ctr_high",
            "lift",
            "lift_low",
            "lift_high",
            "p_value",
            "p_adjusted",
            "significant",
            "enough",
        ];
        Ok(Table { columns, rows: rows.iter().map(|row| cells(source, row)).collect() })
    }
}

fn cells(source: &str, row: &ElementRow) -> Vec<Cell> {
    let (rate, lift) = (row.rate, row.lift);
    vec![
        source.into(),
        row.element.as_str().into(),
        row.value.as_str().into(),
        (row.units as u64).into(),
        row.trials.into(),
        row.successes.into(),
        rate.map(|(rate, _)| rate).into(),
        rate.map(|(_, interval)| interval[0]).into(),
        rate.map(|(_, interval)| interval[1]).into(),
        lift.map(|lift| lift.estimate).into(),
        lift.map(|lift| lift.interval[0]).into(),
        lift.map(|lift| lift.interval[1]).into(),
        lift.map(|lift| lift.p_value).into(),
        lift.map(|lift| lift.p_adjusted).into(),
        lift.is_some_and(|lift| lift.enough && lift.p_adjusted <= FALSE_DISCOVERIES).into(),
        lift.is_some_and(|lift| lift.enough).into(),
    ]
}

/// What a variant is made of, element by element. Variants of one generation of a run are comparable; a call to
/// action is the brief's, so it is compared over the briefs of one product.
fn units_of(shown: &Exposure) -> Vec<ElementUnit> {
    let body = &shown.body;
    let of_generation = format!("{}/{}", shown.run, shown.generation);
    let (block, product) = (of_generation.as_str(), shown.product.as_str());
    let voice = body.voice.as_ref().and_then(|voice| voice.lines.first());
    let style = serde_json::to_value(body.storyboard.style).unwrap_or_default();
    let mut values: BTreeMap<&str, (String, &str)> = BTreeMap::new();
    let script = &body.script;
    values.insert("hook", (script.direction.hook.as_str().to_owned(), block));
    values.insert("angle", (script.direction.angle.as_str().to_owned(), block));
    if let Some(structure) = script.structure {
        values.insert("structure", (structure.as_str().to_owned(), block));
    }
    values.insert("call_to_action", (shown.call_to_action.clone(), product));
    values.insert("visual_style", (style.as_str().unwrap_or_default().to_owned(), block));
    values.insert("voice", (voice.map_or_else(|| "none".to_owned(), |line| line.voice.clone()), block));
    let unit = |(element, (value, block)): (&str, (String, &str))| ElementUnit {
        element: element.to_owned(),
        value,
        block: block.to_owned(),
        trials: shown.impressions,
        successes: shown.clicks,
    };
    values.into_iter().map(unit).collect()
}
