//! The configuration of tests that read pictures in their own process.

use spotwright_server::config::Config;

/// The defaults, with the program as the reader of foreign files: a test is no such program.
pub(crate) fn config() -> Config {
    let mut config = Config::load(None).expect("the defaults are valid");
    env!("CARGO_BIN_EXE_spotwright").clone_into(&mut config.sandbox.program);
    config
}
