//! `spotwright feed check`: what changed between two versions of a feed, and who says what is no longer true.

use std::fs::File;
use std::path::Path;

use serde_json::json;
use spotwright_intake::{
    Change, Feed, ProductChange, Source, VariantText, Withdrawal, changes, variants_to_withdraw,
};
use spotwright_schemas::error::Code;
use spotwright_schemas::outcome::Winners;
use spotwright_schemas::{Locale, Problem};

use super::brief_read::bounded;
use super::{print_json, print_text};

/// What to compare.
#[derive(Debug)]
pub struct Options<'a> {
    /// The feed as it was.
    pub old: &'a Path,
    /// The feed as it is.
    pub new: &'a Path,
    /// Output folder of a finished run, whose winners are checked.
    pub run: Option<&'a Path>,
    /// Id of the product that the run sells; every changed product is meant without it.
    pub item: Option<&'a str>,
    /// Print one JSON document.
    pub json: bool,
}

/// Compares the feeds; whether nothing has to be withdrawn.
///
/// # Errors
/// The feed that cannot be read; [`Code::OutputFolder`] when the folder holds no winners.
pub fn execute(options: &Options<'_>) -> Result<bool, Problem> {
    let (old, new) = (read(options.old)?, read(options.new)?);
    let changed = changes(&old, &new);
    let withdrawn = match options.run {
        Some(run) => {
            let (variants, locale) = variants_of(run, options.item)?;
            variants_to_withdraw(&changed, &variants, locale)
        }
        None => Vec::new(),
    };
    if options.json {
        print_json(&json!({
            "changes": changed, "withdraw": withdrawn, "refused": new.refused, "unread": new.unread,
            "version": env!("CARGO_PKG_VERSION"),
        }));
    } else {
        print_text(&(refusals(&new) + &shown(&changed, &withdrawn)));
    }
    Ok(withdrawn.is_empty())
}

/// Reads a feed from a file.
///
/// # Errors
/// [`Code::SourceUnreadable`] and what [`Feed::read`] says.
pub(super) fn read(path: &Path) -> Result<Feed, Problem> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| {
        Problem::new(Code::SourceUnreadable, name.as_str(), format!("cannot be read: {error}"))
    })?;
    let bytes = bounded(file, &name)?;
    // What is told of a line names the file and not the folders above it.
    let shown = path.file_name().map_or_else(|| name.clone(), |own| own.to_string_lossy().into_owned());
    Feed::read(&Source::named(&shown, &bytes))
}

/// What of a feed was not taken, by row and column; empty where all was.
pub(super) fn refusals(feed: &Feed) -> String {
    let mut text = String::new();
    for own in feed.refused.iter().chain(&feed.unread) {
        let column = own.column.as_ref().map_or_else(String::new, |column| format!(", column `{column}`"));
        text.push_str(&format!("not taken: {}{column}: {}\n", own.place, own.reason));
    }
    text
}

/// What the winners of a run say, and in which language.
fn variants_of(run: &Path, item: Option<&str>) -> Result<(Vec<VariantText>, Locale), Problem> {
    let path = run.join("winners.json");
    let none = |message: String| Problem::new(Code::OutputFolder, "--run", message);
    let file =
        File::open(&path).map_err(|error| none(format!("`{}` cannot be read: {error}", path.display())))?;
    let bytes = bounded(file, &path.display().to_string())?;
    let winners: Winners = serde_json::from_slice(&bytes)
        .map_err(|error| none(format!("`{}` holds no winners: {error}", path.display())))?;
    let variants = winners.winners.iter().map(|winner| {
        let mut lines = Vec::new();
        for line in &winner.script.lines {
            lines.extend([line.caption.clone(), line.detail.clone(), line.voice.clone()]);
        }
        lines.push(winner.script.primary_text.clone());
        VariantText { variant: winner.variant.to_string(), product: item.map(str::to_owned), lines }
    });
    Ok((variants.collect(), winners.locale))
}

pub(super) fn told(change: &Change) -> String {
    let amount = |price: &spotwright_intake::Price| {
        format!("{} {}", price.amount.to_decimal(), price.currency.as_deref().unwrap_or_default())
            .trim_end()
            .to_owned()
    };
    let after =
        |new: &Option<spotwright_intake::Price>| new.as_ref().map_or_else(|| "none".to_owned(), amount);
    match change {
        Change::Price { old, new } => format!("price {} -> {}", amount(old), after(new)),
        Change::PriceBefore { old, new } => format!("price before {} -> {}", amount(old), after(new)),
        Change::Ends { old, new } => format!("last day {old} -> {}", new.as_deref().unwrap_or("none")),
        Change::SoldOut => "sold out".to_owned(),
        Change::Removed => "not in the feed any more".to_owned(),
    }
}

fn shown(changed: &[ProductChange], withdrawn: &[Withdrawal]) -> String {
    let mut text = String::new();
    for product in changed {
        for change in &product.changes {
            text.push_str(&format!("{} {}: {}\n", product.id, product.title, told(change)));
        }
    }
    if changed.is_empty() {
        text.push_str("nothing changed that an advertisement may say\n");
    }
    for own in withdrawn {
        let line = if own.line.is_empty() { "all of it".to_owned() } else { format!("“{}”", own.line) };
        text.push_str(&format!("withdraw {}: {line} ({})\n", own.variant, told(&own.reason)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_compared_and_a_missing_run_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        std::fs::write(&old, "id,title,price\n1,Mug,18 USD\n").unwrap();
        std::fs::write(&new, "id,title,price\n1,Mug,20 USD\n").unwrap();
        let options = Options { old: &old, new: &new, run: None, item: None, json: false };
        assert!(execute(&options).unwrap());
        let options = Options { run: Some(folder.path()), ..options };
        assert_eq!(execute(&options).unwrap_err().code, Code::OutputFolder);
        let changed = changes(&read(&old).unwrap(), &read(&new).unwrap());
        assert_eq!(shown(&changed, &[]), "1 Mug: price 18.00 USD -> 20.00 USD\n");
    }
}
