//! The caged child: the program itself, started again with a hidden argument.
//!
//! A program that wants a [`crate::Sandbox`] calls [`run_if_asked`] as the first thing in `main`, before
//! it starts a thread (so before any asynchronous runtime), reads an environment variable or opens a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::import;
use crate::plan::{Bar, Escapes, SandboxReport};
use crate::protocol::{Answer, Done, Fault, Request, Task};
use crate::restrict;

/// First argument that makes the program a worker; the second is the request.
pub(crate) const ARGUMENT: &str = "--spotwright-media-worker";

/// Does one job in a cage and returns the exit code of the process, where the program was started to do
/// that; `None` where it was started as itself.
///
/// In the first case nothing else may be done afterwards: `main` returns the code.
///
/// # Examples
/// ```
/// fn main() -> std::process::ExitCode {
///     if let Some(code) = spotwright_media::worker::run_if_asked() {
///         return code;
///     }
///     // The program proper begins here.
///     std::process::ExitCode::SUCCESS
/// }
/// ```
#[must_use]
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(ARGUMENT)) {
        return None;
    }
    let request = arguments.next().and_then(|text| text.into_string().ok());
    let request = request.and_then(|text| serde_json::from_str::<Request>(&text).ok());
    // A request that does not parse comes from another version of the program, or from a person.
    Some(request.map_or_else(|| ExitCode::from(2), |request| run(&request)))
}

fn run(request: &Request) -> ExitCode {
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
        work(&file, request)
    };
    let Ok(answer) = serde_json::to_vec(&Answer { report, outcome }) else { return ExitCode::from(5) };
    let mut out = std::io::stdout().lock();
    match out.write_all(&answer).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(6),
    }
}

fn work(file: &File, request: &Request) -> Result<Done, Fault> {
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
