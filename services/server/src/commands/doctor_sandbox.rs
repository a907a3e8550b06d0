//! The sandbox of foreign files, tried: a child closes its cage and then tries to get out.

use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};
use spotwright_media::{Bar, Caged, Escapes, SandboxReport};

use crate::config;
use crate::sandbox::sandbox;

/// What the child found.
pub(super) struct Tried {
    outcome: Result<Caged<Escapes>, String>,
    /// Whether the configuration asks for every bar.
    whole: bool,
}

/// Starts a child and lets it try everything that the cage is there to prevent.
pub(super) fn attempt(settings: &config::Sandbox) -> Tried {
    Tried { outcome: escape(settings), whole: settings.whole }
}

fn escape(settings: &config::Sandbox) -> Result<Caged<Escapes>, String> {
    let told = |error: std::io::Error| error.to_string();
    let outside = tempfile::tempdir().map_err(told)?;
    let read = outside.path().join("read");
    std::fs::write(&read, "secret").map_err(told)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    let sandbox = sandbox(settings, &std::env::temp_dir()).map_err(|problem| problem.to_string())?;
    sandbox
        .try_escape(&read, &outside.path().join("write"), address, Path::new("/bin/true"))
        .map_err(|error| error.to_string())
}

impl Tried {
    /// Whether foreign files are read as the configuration wants it.
    pub(super) fn is_good(&self) -> bool {
        match &self.outcome {
            Ok(caged) => (!self.whole || caged.report.is_whole()) && holds(caged),
            Err(_) => false,
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let caged = match &self.outcome {
            Ok(caged) => caged,
            Err(error) => return format!("foreign pictures and videos cannot be read: {error}"),
        };
        if !holds(caged) {
            return format!("a child got out of what should hold: {:?}", caged.value);
        }
        let lacking: Vec<String> = bars(&caged.report)
            .into_iter()
            .filter_map(|(name, bar)| match bar {
                Bar::Held => None,
                Bar::Partly(why) | Bar::Missing(why) => Some(format!("{name} ({why})")),
            })
            .collect();
        if lacking.is_empty() {
            return "foreign pictures and videos are read behind every bar".to_owned();
        }
        format!("foreign pictures and videos are read without: {}", lacking.join(", "))
    }

    /// For programs.
    pub(super) fn document(&self) -> Value {
        match &self.outcome {
            Ok(caged) => {
                json!({ "bars": caged.report, "escapes": caged.value, "required_whole": self.whole })
            }
            Err(error) => json!({ "error": error }),
        }
    }
}

/// Whether nothing succeeded that a bar in force should have prevented.
fn holds(caged: &Caged<Escapes>) -> bool {
    let (report, tried) = (&caged.report, &caged.value);
    let breaks = [
        (&report.files, tried.read_file || tried.wrote_file),
        (&report.network, tried.connected),
        (&report.system_calls, tried.started_program || tried.started_thread),
    ];
    breaks.iter().all(|(bar, got_out)| **bar != Bar::Held || !got_out)
}

fn bars(report: &SandboxReport) -> [(&'static str, &Bar); 5] {
    [
        ("files", &report.files),
        ("network", &report.network),
        ("system calls", &report.system_calls),
        ("limits", &report.limits),
        ("process", &report.process),
    ]
}
