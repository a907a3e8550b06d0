//! The commands, one file each.

pub mod accounts;
pub mod agent_cases;
pub mod agent_write;
mod ask;
pub mod bench_claims;
pub mod bench_growth;
pub mod bench_pipeline;
pub mod brief_read;
pub mod check;
pub mod copy_lint;
mod demo;
pub mod dlq;
pub mod doctor;
mod doctor_sandbox;
pub mod doctor_video;
pub mod experiment;
pub mod explain;
pub mod feed_apply;
pub mod feed_check;
mod first_owner;
pub mod launch_pack;
pub mod render;
pub mod render_bench;
pub mod render_gallery;
pub mod results;
pub mod results_import;
pub mod run;
mod run_estimate;
mod run_wait;
pub mod scorer;
pub mod serve;
pub mod verify;
pub mod voice_say;

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::cli::{
    Agent, Arguments, Bench, Brief, Command, CopyText, Dlq, Feed, GalleryArguments, RenderWhat, VoiceWhat,
};
use crate::config::{Config, DEFAULTS};
use crate::telemetry::{self, Telemetry};
use crate::wiring::source_reader;

/// Exit code for input that has to be mended.
const MEND_INPUT: u8 = 2;

/// Runs the command and says how it ended.
#[must_use]
pub fn main(arguments: &Arguments, telemetry: Option<Telemetry>) -> ExitCode {
    let json = wants_json(&arguments.command);
    match dispatch(arguments, telemetry) {
        Ok(good) => {
            if good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(problem) => {
            if json {
                print_json(&json!({ "error": problem, "version": env!("CARGO_PKG_VERSION") }));
            }
            eprintln!("error: {problem}");
            eprintln!("       `spotwright explain {}` says what to do", problem.code);
            if is_input(problem.code) { ExitCode::from(MEND_INPUT) } else { ExitCode::FAILURE }
        }
    }
}

fn dispatch(arguments: &Arguments, telemetry: Option<Telemetry>) -> Result<bool, Problem> {
    let config = || Config::load(arguments.config.as_deref());
    match &arguments.command {
        Command::Run(run) => {
            let config = config()?;
            let workers = run::workers(run, &config)?;
            if run.estimate {
                return runtime(workers)?.block_on(run_estimate::execute(run, &config)).map(|()| true);
            }
            let summary =
                runtime(workers)?.block_on(telemetry::around(telemetry, run::execute(run, &config)))?;
            summary.print(run.json);
            Ok(summary.succeeded())
        }
        Command::Serve { roles, demo } => {
            let config = config()?;
            let roles = serve::roles(roles)?;
            let serving = telemetry::around(telemetry, serve::execute(&config, &roles, *demo));
            runtime(processors().max(2))?.block_on(serving).map(|()| true)
        }
        Command::Pepper => {
            print_text(&format!("{}\n", accounts::pepper()?));
            Ok(true)
        }
        Command::Operator { new_key, revoke_others, json } => {
            let config = config()?;
            let way = match (new_key, revoke_others) {
                (false, _) => accounts::Way::First,
                (true, false) => accounts::Way::Another,
                (true, true) => accounts::Way::InsteadOfOthers,
            };
            runtime(processors())?.block_on(accounts::operator(&config, way, *json)).map(|()| true)
        }
        Command::Dlq { what } => {
            let config = config()?;
            runtime(processors())?.block_on(dlq::execute(&config, what)).map(|()| true)
        }
        Command::Migrate => {
            let config = config()?;
            runtime(processors())?.block_on(accounts::migrate(&config)).map(|()| true)
        }
        Command::Openapi => {
            print_text(&spotwright_api::openapi::document_text());
            Ok(true)
        }
        Command::Asyncapi => {
            let text = crate::asyncapi::document_text();
            print_text(&text.map_err(|error| Problem::new(Code::Prerequisite, "", error))?);
            Ok(true)
        }
        Command::Experiment { what } => experiment::execute(what).map(|()| true),
        Command::Results { what } => {
            let config = config()?;
            runtime(processors())?.block_on(results::execute(what, &config)).map(|()| true)
        }
        Command::Check { brief, json } => check::execute(brief, &config()?, *json).map(|()| true),
        Command::Brief {
            what: Brief::Read { sources, out, locale, item, allow_loopback, rules_only, json },
        } => {
            let reader = if *rules_only {
                brief_read::Reader::Rules(brief_read::RULES_ONLY)
            } else {
                match source_reader(&config()?)? {
                    Ok(reader) => brief_read::Reader::Model(reader),
                    Err(reason) => brief_read::Reader::Rules(reason),
                }
            };
            let options = brief_read::Options {
                sources,
                out: out.as_deref(),
                locale: locale.as_deref(),
                item: item.as_deref(),
                allow_loopback: *allow_loopback,
                json: *json,
            };
            runtime(1)?.block_on(brief_read::execute(&options, &reader)).map(|()| true)
        }
        Command::Feed { what: Feed::Check { old, new, run, item, json } } => {
            feed_check::execute(&feed_check::Options {
                old,
                new,
                run: run.as_deref(),
                item: item.as_deref(),
                json: *json,
            })
        }
        Command::Feed { what: Feed::Apply { feed, old, run, organization, item, dry_run, json } } => {
            let options = feed_apply::Options {
                new: feed,
                old: old.as_deref(),
                run: run.as_deref(),
                organization: *organization,
                item: item.as_deref(),
                trial: *dry_run,
                json: *json,
            };
            runtime(processors())?.block_on(feed_apply::execute(&options, &config()?))
        }
        Command::Render { what: Some(RenderWhat::Check { file, placement, json }), .. } => {
            render::check(file, placement, &config()?, *json)
        }
        Command::Render {
            what: Some(RenderWhat::Bench { seconds, peer, picture, moviepy, json }), ..
        } => {
            let options = render_bench::Options {
                seconds: *seconds,
                peer: *peer,
                picture: picture.as_deref(),
                moviepy: moviepy.as_deref(),
            };
            let report = render_bench::execute(&options, &config()?)?;
            report.print(*json);
            Ok(report.failed.is_empty())
        }
        Command::Render { what: Some(RenderWhat::Gallery(gallery)), .. } => {
            let options = render_gallery::Options {
                out: &gallery.out,
                locale: gallery.locale.as_deref(),
                aspect: gallery.aspect.as_deref(),
                style: gallery.style.as_deref(),
                layout: gallery.layout.as_deref(),
                pictures: &gallery.pictures,
            };
            let report = render_gallery::execute(&options, &config()?)?;
            report.print(gallery.json);
            Ok(report.drawn.refused.is_empty())
        }
        Command::Render { storyboard: Some(storyboard), out: Some(out), json, what: None } => {
            let config = config()?;
            let report = runtime(processors())?.block_on(render::execute(storyboard, out, &config))?;
            report.print(*json);
            Ok(report.videos.iter().all(|video| video.gate.passes()))
        }
        // The command line asks for both.
        Command::Render { .. } => Err(Problem::new(Code::Option, "STORYBOARD", "is needed, and `--out`")),
        Command::Voice { what: VoiceWhat::Say { text, locale, voice, speed, out, json } } => {
            let (locale, voice, speed, json) = (locale.as_str(), voice.as_deref(), *speed, *json);
            let options = voice_say::Options { text, locale, voice, speed, out, json };
            runtime(1)?.block_on(voice_say::execute(&options, &config()?)).map(|()| true)
        }
        Command::Copy { what: CopyText::Lint { file, locale, json } } => {
            copy_lint::execute(file.as_deref(), locale, *json).map(|()| true)
        }
        Command::Agent { what: Agent::Cases { brief, count, vectors, json } } => {
            let models = if *vectors { Some(config()?.model_folder()) } else { None };
            agent_cases::execute(brief, *count, models.as_deref(), *json).map(|()| true)
        }
        Command::Agent { what: Agent::Write { briefs, scripts, seed, model: false, json } } => {
            agent_write::execute(briefs, *scripts, *seed, *json).map(|()| true)
        }
        Command::Agent { what: Agent::Write { briefs, scripts, seed, model: true, json } } => {
            let config = config()?;
            let written = agent_write::execute_with_model(briefs, *scripts, *seed, *json, &config);
            runtime(processors())?.block_on(written).map(|()| true)
        }
        Command::Bench { what: Bench::Pipeline { runs, variants, probes, json } } => {
            let config = config()?;
            let options = bench_pipeline::Options { runs: *runs, variants: *variants, probes: *probes };
            let report = runtime(processors())?.block_on(bench_pipeline::execute(&options, &config))?;
            report.print(*json);
            Ok(true)
        }
        Command::Explain { code } => explain::execute(code.as_deref()).map(|()| true),
        Command::Doctor { video: true, json } => {
            let config = config()?;
            runtime(1)?.block_on(doctor_video::execute(&config, *json))
        }
        Command::Doctor { video: false, json } => Ok(doctor::execute(&config()?, *json)),
        Command::Verify { out, objects, json } => {
            let checked = async {
                match out {
                    Some(out) => verify::execute(out, *objects, *json).await,
                    None => verify::service(&config()?, *objects, *json).await,
                }
            };
            runtime(processors())?.block_on(checked)
        }
        Command::LaunchPack { out, folder, platforms, json } => runtime(processors())?
            .block_on(launch_pack::execute(out, folder, platforms, *json))
            .map(|()| true),
        Command::Scorer { data, json, what } => {
            scorer::execute(&config()?, data.as_deref(), *json, what).map(|()| true)
        }
        Command::Config { defaults } => {
            if *defaults {
                print_text(DEFAULTS);
            } else {
                print_json(&config()?.without_secrets());
            }
            Ok(true)
        }
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Run(run) => run.json,
        Command::Check { json, .. } | Command::Doctor { json, .. } | Command::Verify { json, .. } => *json,
        Command::Bench { what: Bench::Pipeline { json, .. } } => *json,
        Command::Operator { json, .. } | Command::LaunchPack { json, .. } | Command::Scorer { json, .. } => {
            *json
        }
        Command::Copy { what: CopyText::Lint { json, .. } } => *json,
        Command::Voice { what: VoiceWhat::Say { json, .. } } => *json,
        Command::Render {
            what:
                Some(
                    RenderWhat::Check { json, .. }
                    | RenderWhat::Bench { json, .. }
                    | RenderWhat::Gallery(GalleryArguments { json, .. }),
                ),
            ..
        }
        | Command::Render { json, .. } => *json,
        Command::Agent { what: Agent::Write { json, .. } | Agent::Cases { json, .. } } => *json,
        Command::Brief { what: Brief::Read { json, .. } } => *json,
        Command::Feed { what: Feed::Check { json, .. } | Feed::Apply { json, .. } } => *json,
        Command::Experiment { what } => what.wants_json(),
        Command::Results { what } => what.wants_json(),
        Command::Dlq { what: Dlq::List { json, .. } } => *json,
        Command::Explain { .. }
        | Command::Config { .. }
        | Command::Serve { .. }
        | Command::Pepper
        | Command::Migrate
        | Command::Openapi
        | Command::Asyncapi
        | Command::Dlq { what: Dlq::Replay { .. } } => false,
    }
}

fn is_input(code: Code) -> bool {
    code.as_str() < Code::Prerequisite.as_str()
        || matches!(code, Code::ServerAddress | Code::Table | Code::Trial | Code::Export)
}

fn runtime(workers: usize) -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.max(1))
        .enable_all()
        .build()
        .map_err(|error| Problem::new(Code::Store, "", format!("threads cannot be started: {error}")))
}

/// Processors this process may use.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The machine, for documents with measurements.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processors this process may use.
    pub processors: usize,
    /// Operating system and architecture.
    pub platform: String,
    /// Load average over one minute, where the system tells.
    pub load: Option<f64>,
}

impl Machine {
    /// Looks at the machine.
    #[must_use]
    pub fn here() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        Self {
            processors: processors(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
        }
    }
}

/// The bytes of a table that somebody hands in, and its name for problems.
///
/// # Errors
/// [`Code::Table`]: the file cannot be read, is a folder, or is larger than tables are read.
pub(crate) fn table_bytes(path: &Path) -> Result<(Vec<u8>, String), Problem> {
    let name = path.display().to_string();
    let wrong = |message: String| Problem::new(Code::Table, name.as_str(), message);
    let file = File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut bytes = Vec::new();
    let read = file.take(spotwright_tables::MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > spotwright_tables::MAX_FILE_BYTES {
        let most = spotwright_tables::MAX_FILE_BYTES;
        return Err(wrong(format!("at most {most} bytes are read; split it")));
    }
    Ok((bytes, name))
}

/// Prints one JSON document on standard output.
pub(crate) fn print_json<T: Serialize>(document: &T) {
    print_text(&(serde_json::to_string_pretty(document).unwrap_or_default() + "\n"));
}

/// Prints a sentence for a person on standard error.
pub(crate) fn to_stderr(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Prints on standard output. A reader that has gone away is not an error of ours.
pub(crate) fn print_text(text: &str) {
    drop(std::io::stdout().write_all(text.as_bytes()));
}
