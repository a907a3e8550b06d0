//! The caged child of the studio: the program itself, started again to look at one foreign file.
//!
//! A program that uses [`crate::picture::PictureImport`], [`crate::gate::check_file`] or
//! [`crate::ClipImport`] calls [`run_if_asked`] as the first thing in `main`.

use std::process::ExitCode;

use spotwright_media::worker::{self, Job};

use crate::{gate, picture};

/// What the child does beside what `spotwright-media` does in it.
const JOBS: [Job; 2] =
    [Job { name: picture::JOB, run: picture::job }, Job { name: gate::JOB, run: gate::job }];

/// Does one job in a cage and returns the exit code of the process, where the program was started to do
/// that; `None` where it was started as itself. In the first case `main` returns the code and does nothing
/// else.
#[must_use]
pub fn run_if_asked() -> Option<ExitCode> {
    worker::run_if_asked_with(&JOBS)
}
