//! The caged child: the program itself, started again with a hidden argument.
//!
//! A program that wants a [`crate::Sandbox`] calls [`run_if_asked_with`] as the first thing in `main`, before
//! it starts a thread (so before any asynchronous runtime), reads an environment variable or opens a file.
//! Decoders of its own that see foreign bytes (of pictures, say) it hands over as [`Job`]s.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::import;
use crate::limits::Limits;
use crate::plan::{Bar, Escapes, SandboxReport};
use crate::protocol::{Answer, Done, Fault, Request, Task};
use crate::restrict;

/// First argument that makes the program a worker; the second is the request.
pub(crate) const ARGUMENT: &str = "--spotwright-media-worker";

/// Work of a program's own that it does in the cage, because it looks at foreign bytes too.
#[derive(Clone, Copy)]
pub struct Job {
    /// Its name, which [`crate::Sandbox::ask`] gives.
    pub name: &'static str,
    /// Answers a question about a file. It runs behind every bar: it may read the file, leave files in its
    /// folder and nothing else.
    pub run: fn(&JobFile<'_>, &serde_json::Value) -> serde_json::Value,
}

/// What a [`Job`] works on.
#[derive(Debug, Clone, Copy)]
pub struct JobFile<'a> {
    file: &'a File,
    folder: &'a Path,
    limits: &'a Limits,
}

impl JobFile<'_> {
    /// The foreign file, at any position.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file
    }

    /// Bounds of what is taken.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.limits
    }

    /// The file's bytes, at most `most` of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn bytes(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Leaves a file for the parent.
    ///
    /// # Errors
    /// When it cannot be written, e.g. because it is larger than the cage allows.
    pub fn leave(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        std::fs::write(self.folder.join(name), bytes)
    }
}

/// As [`run_if_asked_with`], for a program without work of its own in the cage.
#[must_use]
pub fn run_if_asked() -> Option<ExitCode> {
    run_if_asked_with(&[])
}

/// Does one job in a cage and returns the exit code of the process, where the program was started to do
/// that; `None` where it was started as itself.
///
/// In the first case nothing else may be done afterwards: `main` returns the code.
///
/// # Examples
/// ```
/// fn main() -> std::process::ExitCode {
///     if let Some(code) = spotwright_media::worker::run_if_asked_with(&[]) {
///         return code;
///     }
///     // The program proper begins here.
///     std::process::ExitCode::SUCCESS
/// }
/// ```
#[must_use]
pub fn run_if_asked_with(jobs: &[Job]) -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(ARGUMENT)) {
        return None;
    }
    let request = arguments.next().and_then(|text| text.into_string().ok());
    let request = request.and_then(|text| serde_json::from_str::<Request>(&text).ok());
    // A request that does not parse comes from another version of the program, or from a person.
    Some(request.map_or_else(|| ExitCode::from(2), |request| run(&request, jobs)))
}

fn run(request: &Request, jobs: &[Job]) -> ExitCode {
    // Seccomp and Landlock bind the calling thread; another one would stay free.
    if restrict::threads().is_some_and(|threads| threads > 1) {
        return ExitCode::from(3);
    }
    let report = restrict::restrict(&request.folder, &request.cage);
    let file = std::io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let Ok(file) = file else { return ExitCode::from(4) };
    let outcome = if request.cage.whole && !report.is_whole() {
        Err(Fault::Cage { missing: missing(&report) })
    } else {
        work(&file, request, jobs)
    };
    let Ok(answer) = serde_json::to_vec(&Answer { report, outcome }) else { return ExitCode::from(5) };
    let mut out = std::io::stdout().lock();
    match out.write_all(&answer).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(6),
    }
}

fn work(file: &File, request: &Request, jobs: &[Job]) -> Result<Done, Fault> {
    let (limits, folder) = (&request.limits, &request.folder);
    match &request.task {
        Task::Probe { kind } => import::probe(file, *kind, limits).map(Done::Probed),
        Task::Still { kind, frame, side_px } => {
            let (width, height) = import::still(file, *kind, limits, folder, *frame, *side_px)?;
            Ok(Done::Still { width, height })
        }
        Task::Import { kind, plan } => {
            let (facts, sound) = import::import(file, *kind, limits, folder, plan)?;
            Ok(Done::Imported { facts, sound })
        }
        Task::Job { name, question } => {
            let job = jobs.iter().find(|job| job.name == name);
            let job = job.ok_or_else(|| Fault::plan("name", "is no work of this program"))?;
            Ok(Done::Answered((job.run)(&JobFile { file, folder, limits }, question)))
        }
        Task::Escape { read, write, connect, start } => Ok(Done::Tried(escape(read, write, *connect, start))),
    }
}

/// Tries everything that the cage is there to prevent.
fn escape(read: &Path, write: &Path, connect: SocketAddr, start: &Path) -> Escapes {
    Escapes {
        read_file: std::fs::read(read).is_ok(),
        wrote_file: std::fs::write(write, "out").is_ok(),
        connected: TcpStream::connect(connect).is_ok(),
        started_program: Command::new(start).status().is_ok(),
        started_thread: std::thread::Builder::new().spawn(|| {}).is_ok_and(|thread| thread.join().is_ok()),
    }
}

fn missing(report: &SandboxReport) -> String {
    let bars = [
        ("files", &report.files),
        ("network", &report.network),
        ("system calls", &report.system_calls),
        ("limits", &report.limits),
        ("process", &report.process),
    ];
    let mut lacking: Vec<String> = bars
        .iter()
        .filter_map(|(name, bar)| match bar {
            Bar::Held => None,
            Bar::Partly(why) | Bar::Missing(why) => Some(format!("{name} ({why})")),
        })
        .collect();
    if report.inherited_files != Some(0) {
        lacking.push("open files were inherited".to_owned());
    }
    lacking.join(", ")
}
