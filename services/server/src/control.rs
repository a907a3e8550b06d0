//! What the API and the command line ask of the program: control of runs, import of pictures, random bytes.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::domain::copy_rules::terms::Severity;
use spotwright_core::domain::revision::{Changes, EditFinding, Revising};
use spotwright_core::domain::run::{NewRun, RunView, Stage};
use spotwright_core::domain::signal::{AskedQuestion, Caller, Signal, Taken, Told};
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::entropy::{Entropy, EntropyError};
use spotwright_core::ports::fitting::Fitting;
use spotwright_core::ports::letters::{Letters as Drawable, undrawable_message};
use spotwright_core::ports::pictures::{ImportedPicture, PictureImporter};
use spotwright_core::ports::run_control::RunControl;
use spotwright_core::ports::step_store::{Commit, StepStore, StoreError};
use spotwright_creative::workflow::{AgentState, first_commit, revising, tell};
use spotwright_render::Letters;
use spotwright_render::picture::{self, Flight, PictureImport};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::storyboard::{Color, Palette};

/// Control of runs over the step store.
pub struct Control {
    store: Arc<dyn StepStore>,
    letters: Arc<dyn Drawable>,
    fitting: Option<Arc<dyn Fitting>>,
}

impl Control {
    /// Control of the runs in `store`, whose texts are drawn with `letters`.
    #[must_use]
    pub fn new(store: Arc<dyn StepStore>, letters: Arc<dyn Drawable>) -> Self {
        Self { store, letters, fitting: None }
    }

    /// Also measures how the shots of an edit fit.
    #[must_use]
    pub fn with_fitting(mut self, fitting: Arc<dyn Fitting>) -> Self {
        self.fitting = Some(fitting);
        self
    }

    /// A run of the caller's; one of somebody else is missing, exactly as one that never was.
    async fn run_of(&self, id: RunId, caller: &Caller) -> Result<RunView, Problem> {
        let run = self.run(id).await?;
        if caller.may_tell(run.organization) {
            return Ok(run);
        }
        Err(problem(&StoreError::Missing(format!("run {id}"))))
    }

    /// What people write is shown: it must be possible to draw it.
    fn must_be_drawable(&self, signal: &Signal) -> Result<(), Problem> {
        let shown = match signal {
            Signal::Answer { text: Some(text), .. } => Some(("signal.text", text)),
            Signal::Edit { caption: Some(caption), .. } => Some(("signal.caption", caption)),
            _ => None,
        };
        let Some((field, text)) = shown else { return Ok(()) };
        let missing = self.letters.undrawable(text);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Problem::new(Code::Letters, field, undrawable_message(&missing)))
    }

    /// What a decision about the signal reads of the run.
    async fn material(
        &self,
        run: &RunView,
        signal: &Signal,
    ) -> Result<(Vec<Variant>, Vec<Placement>), StoreError> {
        if matches!(signal, Signal::Withdraw { .. }) {
            return Ok((self.store.variants(run.id).await?, self.store.placements(run.id).await?));
        }
        if matches!(signal, Signal::Serving { .. }) {
            return Ok((Vec::new(), self.store.placements_of(run.id, run.generation).await?));
        }
        let variants = match run.stage {
            Stage::WaitingForApproval => self.store.variants_of(run.id, run.generation).await?,
            _ => Vec::new(),
        };
        Ok((variants, Vec::new()))
    }

    async fn run(&self, id: RunId) -> Result<RunView, Problem> {
        self.store.run(id).await.map_err(|error| problem(&error))
    }

    async fn hold(&self, id: RunId, caller: &Caller, paused: bool) -> Result<(), Problem> {
        let run = self.run_of(id, caller).await?;
        if run.stage == Stage::Finished || run.cancelling {
            return Err(Problem::new(Code::RunState, "", "the run has ended or is being ended"));
        }
        self.store.set_paused(id, paused).await.map_err(|error| problem(&error))
    }
}

/// Measures every shot of an edit; one that cannot be laid out stops it.
fn measure(fitting: &dyn Fitting, revising: &mut Revising) {
    let Some(revision) = revising.request.revision.as_deref() else { return };
    for (idx, fit) in revising.fits.iter_mut().enumerate() {
        let set = fitting.fit(&revision.storyboard, idx);
        // The shot of a clip is measured with its picture, which may be laid out otherwise.
        let shows_picture = revision.storyboard.shots.get(idx).is_some_and(|shot| shot.footage.is_none());
        if let Some(fault) = set.fault.as_ref().filter(|_| shows_picture) {
            revising.findings.push(EditFinding {
                field: format!("shots[{}]", fit.shot),
                rule: "does_not_fit".to_owned(),
                severity: Severity::Error,
                subject: String::new(),
                message: fault.clone(),
                law: String::new(),
                span: None,
                rewrite: String::new(),
            });
        }
        fit.set = Some(set);
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

    async fn pause(&self, run: RunId, caller: &Caller) -> Result<(), Problem> {
        self.hold(run, caller, true).await
    }

    async fn resume(&self, run: RunId, caller: &Caller) -> Result<(), Problem> {
        self.hold(run, caller, false).await
    }

    async fn tell(&self, id: RunId, caller: &Caller, told: &Told) -> Result<Taken, Problem> {
        let by = caller.label();
        'decide: loop {
            let run = self.run_of(id, caller).await?;
            let (variants, placements) =
                self.material(&run, &told.signal).await.map_err(|error| problem(&error))?;
            let commits = tell(&run, told, &by, &variants, &placements, now())?;
            if !commits.is_empty() {
                self.must_be_drawable(&told.signal)?;
            }
            let mut taken = Taken::Before;
            for commit in commits {
                match self.store.amend(id, run.version, commit).await {
                    // Somebody works on the run: it ends with that.
                    Err(StoreError::Busy) => {}
                    // Work under way, or somebody else's signal, has moved the run on: decide again.
                    Err(StoreError::Conflict) => continue 'decide,
                    Err(error) => return Err(problem(&error)),
                    Ok(()) => {
                        taken = Taken::Now;
                        break;
                    }
                }
            }
            // What is under way ends in a paused run too, but what waits to be paid would not.
            if told.signal == Signal::Cancel && run.paused && run.stage != Stage::Finished {
                self.store.set_paused(id, false).await.map_err(|error| problem(&error))?;
            }
            return Ok(taken);
        }
    }

    async fn revise(&self, id: VariantId, caller: &Caller, changes: &Changes) -> Result<Revising, Problem> {
        let variant = self.store.variant(id).await.map_err(|error| problem(&error))?;
        let run = self.run_of(variant.run, caller).await?;
        let generation =
            self.store.variants_of(run.id, variant.generation).await.map_err(|error| problem(&error))?;
        let (letters, fitting) = (Arc::clone(&self.letters), self.fitting.clone());
        let (changes, by) = (changes.clone(), caller.label());
        let judged = tokio::task::spawn_blocking(move || {
            let mut judged = revising(&run, &variant, &generation, &changes, &by, letters.as_ref())?;
            if let Some(fitting) = fitting {
                measure(fitting.as_ref(), &mut judged);
            }
            Ok::<_, Problem>(judged)
        });
        judged.await.map_err(|error| {
            Problem::new(Code::StepFailed, "", format!("measuring ended abnormally: {error}"))
        })?
    }

    async fn questions(&self, id: RunId, caller: &Caller) -> Result<Vec<AskedQuestion>, Problem> {
        let run = self.run_of(id, caller).await?;
        let waiting = run.stage == Stage::WaitingForAnswers && !run.cancelling;
        Ok(AgentState::of(&run)?.heard.asked(waiting))
    }
}

/// Import of pictures by the studio's decoder in a caged child process: only such as make a video that passes
/// the gate.
pub struct Pictures {
    letters: Letters,
    import: PictureImport,
    flight: Flight,
}

impl Pictures {
    /// An importer that lays pictures out with these fonts.
    #[must_use]
    pub fn new(letters: Letters, import: PictureImport) -> Self {
        Self { letters, import, flight: Flight::default() }
    }

    /// A picture is handed in before the brief whose colors will surround it.
    const PALETTE: Palette =
        Palette { primary: Color { r: 96, g: 96, b: 96 }, accent: Color { r: 242, g: 181, b: 68 } };
}

impl PictureImporter for Pictures {
    fn import(&self, bytes: &[u8], name: &str) -> Result<ImportedPicture, Problem> {
        self.flight.with(bytes, || {
            let imported = self.import.import(bytes, name)?;
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
