//! The fault harness: starts a child process, kills it, resumes it, and reads what it left.
//!
//! Kills come from a schedule made from a seed. Kills at named points are exact; kills after a
//! delay hit whatever the child is doing then, so a schedule repeats the delays and not the place.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::StepStore;
use spotwright_schemas::error::Code;
use spotwright_store::sqlite::SqliteStore;

/// The signal behind `kill -9`.
const SIGKILL: i32 = 9;

/// The error code of a folder that cannot be used.
const NO_RUN: &str = Code::OutputFolder.as_str();

/// Attempts to finish one job before the harness gives up on it.
const MOST_STARTS: usize = 40;

/// How long one start may take, on a machine that does other work as well.
const MOST_WAITED: Duration = Duration::from_mins(10);

/// How long the words of a child that was ended are waited for: children of its own may hold its pipes open.
const MOST_READ: Duration = Duration::from_mins(1);

/// A job that a child process works on, and in which world.
#[derive(Debug, Clone)]
pub struct Job {
    /// The program `spotwright-fault-child`.
    pub program: PathBuf,
    /// The brief.
    pub brief: PathBuf,
    /// Turns of the loop.
    pub generations: u32,
    /// Variants in each generation.
    pub variants: u32,
    /// Winners of each generation.
    pub winners: u32,
    /// Seed of the run.
    pub seed: u64,
    /// Processors to use.
    pub threads: u32,
    /// Who stands for the world.
    pub world: Providers,
    /// Configuration file; `None` for the built-in settings.
    pub config: Option<PathBuf>,
}

/// Who stands for the world outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Providers {
    /// Stand-ins that keep books of their own; prices in micros.
    StandIns {
        /// Of a final render.
        render_price: i64,
        /// Of a completion; 0 for the copy engine.
        line_price: i64,
    },
    /// The program's own world; nothing is replaced.
    Real,
    /// The program itself under its own command line. It knows no crash points.
    Program,
}

/// When to kill a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kill {
    /// Not at all.
    Never,
    /// When a named point is reached for the n-th time by this process, from 1.
    At(&'static str, u64),
    /// This long after its start.
    After(Duration),
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The run succeeded; how often each named point was reached.
    Done(BTreeMap<String, u64>),
    /// It was killed.
    Killed,
    /// The run ended without success, which its files say.
    Unsuccessful,
    /// It refused the folder: no run is there to resume, or one is there already.
    Refused,
}

/// What it took to finish a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Driven {
    /// Kills that hit.
    pub kills: usize,
    /// Starts with the brief after the first, because no run had begun yet.
    pub started_anew: usize,
}

impl Job {
    /// Where the stand-ins of a job in `out` keep their books: beside it, as they are not ours.
    #[must_use]
    pub fn witness(out: &Path) -> PathBuf {
        out.with_extension("witness")
    }

    fn command(&self, out: &Path, resume: bool, kill: &Kill) -> Command {
        let mut command = Command::new(&self.program);
        // What is compared is made with and without the program around it; voices are installed or not.
        command.env("SPOTWRIGHT__VOICE__ENABLED", "false");
        let config = self.config.iter().flat_map(|file| [OsStr::new("--config"), file.as_os_str()]);
        if self.world == Providers::Program {
            command.arg("program").args(config).arg("run");
        } else {
            command.arg("job").args(config);
        }
        if resume {
            command.arg("--resume");
        } else {
            command.arg(&self.brief);
            command.args(["--generations", &self.generations.to_string()]);
            command.args(["--variants", &self.variants.to_string()]);
            command.args(["--winners", &self.winners.to_string()]);
            command.args(["--seed", &self.seed.to_string()]);
        }
        command.arg("--out").arg(out);
        command.args(["--threads", &self.threads.to_string()]);
        if let Providers::StandIns { render_price, line_price } = self.world {
            command.arg("--witness").arg(Self::witness(out));
            command.args(["--render-price", &render_price.to_string()]);
            command.args(["--line-price", &line_price.to_string()]);
        }
        if let Kill::At(point, nth) = kill {
            command.args(["--crash", &format!("{point}:{nth}")]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts a child in `out`, kills it as told, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started, or ends with another error than a refused folder.
    pub fn start(&self, out: &Path, resume: bool, kill: &Kill) -> Result<Ended> {
        let mut child = self.command(out, resume, kill).spawn().context("the child cannot be started")?;
        if let Kill::After(delay) = kill {
            // The delay is the injection; nothing is measured by it.
            std::thread::sleep(*delay);
            child.kill()?;
        }
        let (stdout, stderr) = words(&mut child)?;
        let status = child.wait()?;
        if status.signal() == Some(SIGKILL) {
            return Ok(Ended::Killed);
        }
        if status.success() {
            let counts = stdout.lines().filter_map(|line| {
                let (point, count) = line.split_once(' ')?;
                Some((point.to_owned(), count.parse().ok()?))
            });
            return Ok(Ended::Done(counts.collect()));
        }
        let told = stderr.trim();
        match status.code() {
            Some(2) if told.contains(NO_RUN) => Ok(Ended::Refused),
            Some(1) if !told.contains("error:") => Ok(Ended::Unsuccessful),
            _ => bail!("the child ended with {status}: {told}"),
        }
    }

    /// Works on the job until it is done, killing one process after the other by `kills`.
    ///
    /// A process that was killed is followed by one that resumes. When that finds no run, because
    /// none had begun, the next one gets the brief and the same folder.
    ///
    /// # Errors
    /// As [`Job::start`]; and when a start is refused for any other reason.
    pub fn drive(&self, out: &Path, kills: &[Kill]) -> Result<Driven> {
        let mut driven = Driven::default();
        let mut kills = kills.iter();
        let mut resume = false;
        for _ in 0..MOST_STARTS {
            match self.start(out, resume, kills.next().unwrap_or(&Kill::Never))? {
                Ended::Done(_) | Ended::Unsuccessful => return Ok(driven),
                Ended::Killed => {
                    driven.kills += 1;
                    resume = true;
                }
                Ended::Refused => {
                    ensure!(resume, "the child refuses the brief in a folder without a run");
                    driven.started_anew += 1;
                    resume = false;
                }
            }
        }
        bail!("not done after {MOST_STARTS} starts")
    }
}

/// What a child says until its end. One that is not done in time is ended, and told of as a hang.
fn words(child: &mut Child) -> Result<(String, String)> {
    let (mut out, mut err) =
        (child.stdout.take().context("no stdout")?, child.stderr.take().context("no stderr")?);
    let (send, ended) = mpsc::channel();
    // A few lines at most, which fit the pipes: they may be read one after the other.
    std::thread::spawn(move || {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let read = out.read_to_string(&mut stdout).and_then(|_| err.read_to_string(&mut stderr));
        // Nobody waits any more after the limit.
        drop(send.send(read.map(|_| (stdout, stderr))));
    });
    if let Ok(read) = ended.recv_timeout(MOST_WAITED) {
        return Ok(read?);
    }
    child.kill()?;
    child.wait()?;
    let said = ended.recv_timeout(MOST_READ).ok().and_then(Result::ok).map(|(_, stderr)| stderr);
    bail!("the child was not done within {} s: {}", MOST_WAITED.as_secs(), said.unwrap_or_default())
}

/// What a finished job left: files, money and the providers' books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndState {
    /// Hash of every file outside of the state folder, by its path.
    pub files: BTreeMap<String, String>,
    /// Every stored artifact.
    pub artifacts: BTreeSet<String>,
    /// Rows that break an invariant.
    pub broken: Vec<String>,
    /// Messages written by the run.
    pub messages: u64,
    /// Settled micros.
    pub settled: i64,
    /// Reserved micros.
    pub reserved: i64,
    /// The providers' books, sorted.
    pub witness: Vec<(String, String, i64)>,
}

impl EndState {
    /// Reads what is in `out`, where nobody works any more.
    ///
    /// # Errors
    /// When something cannot be read, there is not exactly one run, or an artifact's bytes do not
    /// match its name.
    pub fn read(out: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut artifacts = BTreeSet::new();
        for (path, bytes) in read_tree(out)? {
            let hash = ArtifactHash::of(&bytes).0;
            let name = path.strip_prefix(out)?.to_string_lossy().into_owned();
            if name.starts_with("state/artifacts/") {
                let named = path.file_name().map(|name| name.to_string_lossy().into_owned());
                ensure!(named.as_deref() == Some(&hash), "{name} is not whole");
                artifacts.insert(hash);
            } else if !name.starts_with("state/") {
                files.insert(name, hash);
            }
        }
        let witness = Job::witness(out);
        let mut entries = Vec::new();
        if witness.exists() {
            entries = spotwright_server::standins::Witness::open(&witness)?.entries()?;
            entries.sort();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (run, broken) = runtime.block_on(async {
            let store = SqliteStore::open(&out.join("state/spotwright.sqlite")).await?;
            let runs = store.runs().await?;
            ensure!(runs.len() == 1, "there are {} runs", runs.len());
            Ok((store.run(runs[0]).await?, store.broken_invariants().await?))
        })?;
        Ok(Self {
            files,
            artifacts,
            broken,
            messages: run.messages,
            settled: run.settled.0,
            reserved: run.reserved.0,
            witness: entries,
        })
    }

    /// What holds of every end, whatever happened before it.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn check(&self) -> Result<()> {
        ensure!(self.broken.is_empty(), "invariants are broken: {:?}", self.broken);
        ensure!(self.reserved == 0, "{} micros are still reserved", self.reserved);
        let mut seen = BTreeSet::new();
        for (kind, reference, _) in &self.witness {
            // A market names the placement after the `@`; the variant may be taken under one only.
            let about = reference.split('@').next().unwrap_or_default();
            ensure!(seen.insert((kind, about)), "{kind} twice for {about}");
        }
        let parts: Vec<_> = self
            .files
            .keys()
            .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "part"))
            .collect();
        ensure!(parts.is_empty(), "parts of files are left: {parts:?}");
        Ok(())
    }

    /// Micros that the providers have billed under a kind.
    #[must_use]
    pub fn billed(&self, kind: &str) -> i64 {
        self.witness.iter().filter(|(its_kind, _, _)| its_kind == kind).map(|(_, _, micros)| micros).sum()
    }
}

fn read_tree(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(read_tree(&path)?);
        } else {
            let bytes = std::fs::read(&path)?;
            files.push((path, bytes));
        }
    }
    Ok(files)
}
