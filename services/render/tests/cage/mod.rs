//! The sandbox of tests: its child is a program of this crate.

use std::path::{Path, PathBuf};

use spotwright_media::{Options, Sandbox};

/// A sandbox that works in `scratch`.
pub(crate) fn sandbox(scratch: &Path) -> Sandbox {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_spotwright-render-worker"));
    Sandbox::new(Options::new(program, scratch.to_path_buf()))
}
