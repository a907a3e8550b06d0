//! What the API asks of the program: control of runs, import of pictures, random bytes.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::domain::run::{NewRun, RunView, Stage};
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::entropy::{Entropy, EntropyError};
use spotwright_core::ports::pictures::{ImportedPicture, PictureImporter};
use spotwright_core::ports::run_control::RunControl;
use spotwright_core::ports::step_store::{Commit, StepStore, StoreError};
use spotwright_creative::workflow::{cancel, first_commit};
use spotwright_render::Letters;
use spotwright_render::picture::{self, Flight};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::RunId;
use spotwright_schemas::storyboard::{Color, Palette};

/// Control of runs over the step store.
pub struct Control {
    store: Arc<dyn StepStore>,
}

impl Control {
    /// Control of the runs in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn StepStore>) -> Self {
        Self { store }
    }

    async fn run(&self, id: RunId) -> Result<RunView, Problem> {
        self.store.run(id).await.map_err(|error| problem(&error))
    }

    async fn hold(&self, id: RunId, paused: bool) -> Result<(), Problem> {
        let run = self.run(id).await?;
        if run.stage == Stage::Finished || run.cancelling {
            return Err(Problem::new(Code::RunState, "", "the run has ended or is being ended"));
        }
        self.store.set_paused(id, paused).await.map_err(|error| problem(&error))
    }
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(SystemClock.now_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn problem(error: &StoreError) -> Problem {
    let code = match error {
        StoreError::Missing(_) => Code::NotFound,
        StoreError::Format(_) => Code::StoreFormat,
        _ => Code::Store,
    };
    Problem::new(code, "", error.to_string())
}

#[async_trait]
impl RunControl for Control {
    fn opening(&self, run: &NewRun) -> Result<Commit, Problem> {
        Ok(first_commit(run, now()))
    }

    async fn pause(&self, run: RunId) -> Result<(), Problem> {
        self.hold(run, true).await
    }

    async fn resume(&self, run: RunId) -> Result<(), Problem> {
        self.hold(run, false).await
    }

    async fn cancel(&self, id: RunId) -> Result<(), Problem> {
        'decide: loop {
            let run = self.run(id).await?;
            for commit in cancel(&run, now())? {
                match self.store.amend(id, run.version, commit).await {
                    // Somebody works on the run: it ends with that.
                    Err(StoreError::Busy) => {}
                    // Work under way has moved the run on: decide again.
                    Err(StoreError::Conflict) => continue 'decide,
                    Err(error) => return Err(problem(&error)),
                    Ok(()) => break,
                }
            }
            // What is under way ends in a paused run too, but what waits to be paid would not.
            if run.paused && run.stage != Stage::Finished {
                return self.store.set_paused(id, false).await.map_err(|error| problem(&error));
            }
            return Ok(());
        }
    }
}

/// Import of pictures by the studio's decoder: only such as make a video that passes the gate.
pub struct Pictures {
    letters: Letters,
    flight: Flight,
}

impl Pictures {
    /// An importer that lays pictures out with these fonts.
    #[must_use]
    pub fn new(letters: Letters) -> Self {
        Self { letters, flight: Flight::default() }
    }

    /// A picture is handed in before the brief whose colors will surround it.
    const PALETTE: Palette =
        Palette { primary: Color { r: 96, g: 96, b: 96 }, accent: Color { r: 242, g: 181, b: 68 } };
}

impl PictureImporter for Pictures {
    fn import(&self, bytes: &[u8], name: &str) -> Result<ImportedPicture, Problem> {
        self.flight.with(bytes, || {
            let imported = picture::import(bytes, name)?;
            let verdict = picture::unusable(&imported, Self::PALETTE, &self.letters)
                .map_err(|error| Problem::new(Code::Render, name, error.to_string()))?;
            if let Some(reason) = verdict {
                return Err(Problem::new(Code::PictureUnusable, name, reason));
            }
            Ok(ImportedPicture { png: imported.png, width: imported.width, height: imported.height })
        })
    }
}

/// Random bytes of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OperatingSystem;

impl Entropy for OperatingSystem {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(buffer).map_err(|error| EntropyError(error.to_string()))
    }
}
