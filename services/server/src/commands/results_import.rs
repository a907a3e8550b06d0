//! `spotwright results import`: takes an export into the database of a run or of a service.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use spotwright_core::domain::observation::{ImportRecord, ImportReport, RowPlace};
use spotwright_core::ports::accounts::Written;
use spotwright_core::ports::entropy::random_id;
use spotwright_core::ports::observations::{Mapping, ObservationStore};
use spotwright_core::use_cases::Principal;
use spotwright_core::use_cases::results::{self, Handed, ResultsError, Taken};
use spotwright_observations::{Given, Reading, export, record, told};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{ImportId, OrganizationId};

use super::results::{ReadArguments, document, given, shown};
use super::{print_json, print_text, table_bytes};
use crate::config::Config;
use crate::control::OperatingSystem;
use crate::foundation::Foundation;
use crate::wiring::{STATE_FOLDER, Workspace, embedded_organization};

/// Options of `results import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArguments {
    /// What is said about the file.
    #[command(flatten)]
    pub read: ReadArguments,
    /// The output folder of a run whose ads the results are of.
    #[arg(long, conflicts_with = "serve")]
    pub out: Option<PathBuf>,
    /// Take it into the service's database (`store.url`, else `serve.folder`).
    #[arg(long, requires = "organization")]
    pub serve: bool,
    /// With `--serve`: the organization whose ads the results are of.
    #[arg(long, requires = "serve")]
    pub organization: Option<OrganizationId>,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

/// A database, held open while it is used.
struct Target {
    observations: Arc<dyn ObservationStore>,
    organization: OrganizationId,
    _held: Box<dyn Send>,
}

/// Runs the command.
///
/// # Errors
/// [`Code::Option`] for an option, [`Code::Table`] and [`Code::Export`] for the file, [`Code::OutputFolder`]
/// when there is no run, [`Code::Store`] when the database fails.
pub async fn execute(arguments: &ImportArguments, config: &Config) -> Result<(), Problem> {
    let (bytes, name) = table_bytes(&arguments.read.file)?;
    let mut given = Given { atomic: false, ..given(&arguments.read)? };
    let target = target(arguments, config).await?;
    let header = record::header_key(&bytes, &name)?;
    let asked_of = target.as_ref().map(|target| {
        (target.observations.as_ref(), Principal::service(target.organization, "results import"))
    });
    let remembered = match (&asked_of, &header, &given.mapping) {
        (Some((store, principal)), Some(header), None) => {
            results::remembered_mapping(principal, *store, header).await.map_err(problem)?
        }
        _ => None,
    };
    let mapping = header.zip(given.mapping.clone());
    let (reading, mapping_remembered) = read(&bytes, &name, &mut given, remembered)?;
    let mut report = record::report(&reading, &name);
    report.mapping_remembered = mapping_remembered;
    let rows = if reading.is_complete() { record::rows(&reading)? } else { Vec::new() };
    let Some((store, principal)) = asked_of else {
        let taken = Taken::Preview(without_database(report, rows.len(), arguments)?);
        tell(arguments, &reading, &taken);
        return Ok(());
    };
    let handed = Handed { report, rows, atomic: arguments.read.atomic, dry_run: arguments.dry_run, mapping };
    let id = ImportId(
        random_id(&OperatingSystem)
            .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?,
    );
    let taken = results::take_in(&principal, store, None, id, handed).await.map_err(problem)?;
    tell(arguments, &reading, &taken);
    Ok(())
}

/// What is told where no database is named: every row would be new to nobody.
fn without_database(
    mut report: ImportReport,
    rows: usize,
    arguments: &ImportArguments,
) -> Result<ImportReport, Problem> {
    if let (true, Some(first)) = (arguments.read.atomic, report.refused.first()) {
        let message = format!("{}; {} rows are refused", first.message, report.counts.refused);
        return Err(Problem::new(Code::Export, place_of(first.place), message));
    }
    report.counts.new = rows as u64;
    if !arguments.dry_run {
        report.notes.push(
            "nothing is stored: name a run's folder with --out, or a service's organization with --serve \
             --organization"
                .to_owned(),
        );
    }
    Ok(report)
}

fn read(
    bytes: &[u8],
    name: &str,
    given: &mut Given,
    remembered: Option<Mapping>,
) -> Result<(Reading, bool), Problem> {
    match (export::read(bytes, name, given), remembered) {
        (Err(problem), Some(mapping)) if problem.code == Code::Export => {
            given.mapping = Some(mapping);
            Ok((export::read(bytes, name, given)?, true))
        }
        (read, _) => Ok((read?, false)),
    }
}

async fn target(arguments: &ImportArguments, config: &Config) -> Result<Option<Target>, Problem> {
    if let Some(out) = &arguments.out {
        if !out.join(STATE_FOLDER).is_dir() {
            let message = format!("`{}` holds no run", out.display());
            return Err(Problem::new(Code::OutputFolder, "--out", message));
        }
        let workspace = Workspace::open(out).await?;
        let observations: Arc<dyn ObservationStore> = workspace.store.clone();
        let organization = embedded_organization();
        return Ok(Some(Target { observations, organization, _held: Box::new(workspace) }));
    }
    let Some(organization) = arguments.organization else { return Ok(None) };
    let database = Foundation::database(config).await?;
    let observations = Arc::clone(&database.observations);
    Ok(Some(Target { observations, organization, _held: Box::new(database) }))
}

fn problem(error: ResultsError) -> Problem {
    match error {
        ResultsError::Refused(problem) => problem,
        ResultsError::Store(error) => Problem::new(Code::Store, "", error.to_string()),
    }
}

fn tell(arguments: &ImportArguments, reading: &Reading, taken: &Taken) {
    let (report, record) = match taken {
        Taken::Preview(report) => (report, None),
        Taken::Done(Written::Fresh(record) | Written::Replayed(record)) => (&record.report, Some(record)),
    };
    if arguments.read.json {
        print_json(&imported(reading, report, record));
    } else if arguments.read.csv {
        print_text(&told::observations(reading));
    } else {
        print_text(&(shown(reading) + &summary(report, record)));
    }
}

/// The document of `results read`, and what became of it.
fn imported(reading: &Reading, report: &ImportReport, record: Option<&ImportRecord>) -> Value {
    let mut whole = document(reading);
    whole["import"] = json!(record.map(|record| record.id));
    whole["stored"] = json!(record.is_some());
    whole["counts"] = json!(report.counts);
    whole["matched"] = json!(report.matched);
    whole["unmatched"] = json!(report.unmatched);
    whole["mapping_remembered"] = json!(report.mapping_remembered);
    whole["notes"] = json!(report.notes);
    // Those that only the database could refuse, because their days are in it already.
    let of_database = report.refused.iter().filter(|row| row.reason == "overlapping_window");
    if let Some(refused) = whole["refused"].as_array_mut() {
        for row in of_database {
            let line = if let RowPlace::Line(line) = row.place { Some(line) } else { None };
            let is_told = refused
                .iter()
                .any(|told| told["line"] == json!(line) && told["reason"] == json!("overlapping_window"));
            if !is_told {
                refused.push(json!({
                    "line": line, "column": row.column, "reason": row.reason, "message": row.message,
                }));
            }
        }
    }
    whole
}

fn place_of(place: RowPlace) -> String {
    match place {
        RowPlace::Line(line) => format!("line {line}"),
        RowPlace::Index(index) => format!("row {index}"),
    }
}

fn summary(report: &ImportReport, record: Option<&ImportRecord>) -> String {
    let counts = report.counts;
    let mut text = format!(
        "{} new, {} replaced, {} unchanged, {} refused; {} ads are of variants, {} are not\n",
        counts.new,
        counts.replaced,
        counts.unchanged,
        counts.refused,
        report.matched,
        report.unmatched.len()
    );
    for ad in &report.unmatched {
        let name = ad.names.name.as_deref().or(ad.names.id.as_deref()).unwrap_or("?");
        // Writing to a string does not fail.
        let _ = writeln!(text, "of no variant: {name}");
    }
    for note in report.notes.iter().filter(|note| note.starts_with("nothing is stored")) {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(record) = record {
        let _ = writeln!(text, "import {}", record.id);
    }
    text
}
