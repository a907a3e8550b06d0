//! `spotwright feed apply`: withdraws the variants that say what a product feed has made untrue.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::ports::step_store::StepStore;
use spotwright_render::Letters;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;
use uuid::Uuid;

use super::feed_check::{read, refusals, told};
use super::{print_json, print_text, run};
use crate::cli::RunArguments;
use crate::config::Config;
use crate::control::Control;
use crate::foundation::Foundation;
use crate::wiring::{STATE_FOLDER, Workspace};
use crate::withdrawals::{AppliedRun, Feeds, apply};

/// What to apply, and to what.
#[derive(Debug)]
pub struct Options<'a> {
    /// The feed as it is.
    pub new: &'a Path,
    /// The feed as it was; without it, the briefs' own offers are what was.
    pub old: Option<&'a Path>,
    /// Output folder of a run; without it the runs of the configured service are meant.
    pub run: Option<&'a Path>,
    /// Whose runs of the service are meant; all without it.
    pub organization: Option<Uuid>,
    /// Id of the product; with `run`, it is what that run sells.
    pub item: Option<&'a str>,
    /// Only tell what would be withdrawn.
    pub trial: bool,
    /// Print one JSON document.
    pub json: bool,
}

/// Applies the feed; whether it was read whole.
///
/// # Errors
/// The feed that cannot be read; [`Code::OutputFolder`] where there is no run; [`Code::OutputBusy`] while another
/// process works on it; as [`apply`].
pub async fn execute(options: &Options<'_>, config: &Config) -> Result<bool, Problem> {
    let feeds = Feeds {
        old: options.old.map(read).transpose()?,
        new: read(options.new)?,
        item: options.item.map(str::to_owned),
        is_certain: options.run.is_some(),
    };
    let applied = match options.run {
        Some(out) => apply_to_folder(out, &feeds, options.trial, config).await?,
        None => apply_to_service(options, &feeds, config).await?,
    };
    let refused = refusals(&feeds.new);
    if options.json {
        print_json(&json!({
            "runs": applied, "trial": options.trial, "refused": feeds.new.refused, "unread": feeds.new.unread,
            "version": env!("CARGO_PKG_VERSION"),
        }));
    } else {
        print_text(&(refused.clone() + &shown(&applied, options.trial)));
    }
    Ok(refused.is_empty())
}

async fn apply_to_service(
    options: &Options<'_>,
    feeds: &Feeds,
    config: &Config,
) -> Result<Vec<AppliedRun>, Problem> {
    let database = Foundation::database(config).await?;
    let control = Control::new(Arc::clone(&database.store), Arc::new(Letters::load(&[])?));
    let organization = options.organization.map(OrganizationId);
    apply(database.store.as_ref(), &control, organization, feeds, options.trial).await
}

/// Applies to the run in a folder, and writes its files anew where that changed a finished run.
async fn apply_to_folder(
    out: &Path,
    feeds: &Feeds,
    trial: bool,
    config: &Config,
) -> Result<Vec<AppliedRun>, Problem> {
    if !out.join(STATE_FOLDER).is_dir() {
        let message = format!("`{}` holds no run", out.display());
        return Err(Problem::new(Code::OutputFolder, "--run", message));
    }
    let applied = {
        let workspace = Workspace::open(out).await?;
        let store: Arc<dyn StepStore> = workspace.store.clone();
        let control = Control::new(Arc::clone(&store), Arc::new(Letters::load(&[])?));
        apply(store.as_ref(), &control, None, feeds, trial).await?
    };
    let is_changed = |own: &AppliedRun| own.is_news && own.stage == Stage::Finished;
    if applied.iter().any(is_changed) {
        let again = RunArguments { out: Some(out.to_path_buf()), resume: true, ..RunArguments::default() };
        Box::pin(run::execute(&again, config)).await?;
    }
    Ok(applied)
}

fn shown(applied: &[AppliedRun], trial: bool) -> String {
    let mut text = String::new();
    for own in applied {
        for change in &own.untrue.changes {
            text.push_str(&format!(
                "{} {}: {} ({})\n",
                own.untrue.product,
                own.untrue.title,
                told(change),
                own.untrue.source
            ));
        }
        let verb = if trial { "would withdraw" } else { "withdrawn" };
        for variant in &own.withdrawn {
            let line = &variant.withdrawal.line;
            let line = if line.is_empty() { "all of it".to_owned() } else { format!("“{line}”") };
            text.push_str(&format!(
                "  {verb}: {} {} of run {}: {line}\n",
                own.brief, variant.variant, own.run
            ));
        }
        if own.withdrawn.is_empty() {
            let known = if trial || own.is_news { "says nothing of it" } else { "knew that before" };
            text.push_str(&format!("  run {} of `{}` {known}\n", own.run, own.brief));
        }
        if own.stage != Stage::Finished && !trial {
            text.push_str("  the run goes on and withdraws what it comes to of it\n");
        }
    }
    if applied.is_empty() {
        text.push_str("no run sells a product of the feed that has changed\n");
    }
    text
}
