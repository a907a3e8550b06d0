//! What the user should know of who wrote a run's lines.
//!
//! A language model that fails is replaced by the copy engine, script by script, so a run succeeds
//! without it. Where a model was asked, who wrote how much is said wherever the run's end is told, with
//! the provider's own words where it failed.

use std::collections::BTreeMap;

use spotwright_creative::copy_engine;
use spotwright_creative::drafting::{Call, Dropped};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::script::Script;

use crate::outputs::FinishedRun;

/// Sentences on calls of a language model that failed and on lines that were not used.
#[must_use]
pub fn notices(finished: &FinishedRun) -> Vec<String> {
    let read = |what: &str| {
        let entries = finished.trace.iter().filter(move |entry| entry.what == what);
        entries.map(|entry| entry.detail.clone()).collect::<Vec<_>>()
    };
    let calls: Vec<Call> =
        read("model.called").into_iter().filter_map(|detail| serde_json::from_value(detail).ok()).collect();
    let dropped: Vec<Dropped> =
        read("script.dropped").into_iter().filter_map(|detail| serde_json::from_value(detail).ok()).collect();
    let scripts = finished.variants.iter().map(|variant| &variant.body.script);
    sentences(&calls, &dropped, &Shares::of(scripts), finished.run.request.brief.budget.currency)
}

/// How much of a run's scripts a language model wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shares {
    scripts: usize,
    /// Scripts in which at least one line is a model's.
    own: usize,
    lines: usize,
    /// Lines of models.
    own_lines: usize,
    /// Provider and name of the models, in the order of their first line.
    models: Vec<String>,
}

impl Shares {
    fn of<'a>(scripts: impl Iterator<Item = &'a Script>) -> Self {
        let mut shares = Self::default();
        for script in scripts {
            shares.scripts += 1;
            shares.lines += script.lines.len();
            let own = script.lines.iter().filter(|line| line.provenance.provider != copy_engine::PROVIDER);
            let mut count = 0;
            for line in own {
                count += 1;
                let name = format!("{} {}", line.provenance.provider, line.provenance.model);
                if !shares.models.contains(&name) {
                    shares.models.push(name);
                }
            }
            shares.own += usize::from(count > 0);
            shares.own_lines += count;
        }
        shares
    }

    /// Who wrote what, where a model wrote something.
    fn sentence(&self) -> String {
        let Self { scripts, own, lines, own_lines, models } = self;
        let models = models.join(", ");
        if own == scripts && own_lines == lines {
            return format!("All {scripts} scripts were written by {models}.");
        }
        format!(
            "{own} of {scripts} scripts have words of {models}: {own_lines} of {lines} lines. The copy engine \
             wrote the others."
        )
    }
}

fn sentences(calls: &[Call], dropped: &[Dropped], shares: &Shares, currency: Currency) -> Vec<String> {
    let calls: Vec<&Call> = calls.iter().filter(|call| call.provider != copy_engine::PROVIDER).collect();
    if calls.is_empty() {
        return Vec::new();
    }
    let failed: Vec<&str> = calls.iter().filter_map(|call| call.error.as_deref()).collect();
    let bill: Micros = calls.iter().filter(|call| call.error.is_some()).map(|call| call.cost).sum();
    let cost = if bill > Micros::ZERO {
        let amount = bill.0.max(10_000) as f64 / 1e6;
        let about = if bill < Micros(10_000) { "less than " } else { "" };
        format!(" The provider bills {about}{}{amount:.2} for them.", currency.sign())
    } else {
        String::new()
    };
    if let Some(reason) = most_frequent(&failed) {
        let reason = reason.trim_end_matches('.');
        let end = if reason.ends_with(['?', '!', '。']) { "" } else { "." };
        let first = if failed.len() == calls.len() {
            format!(
                "No script came from the language model: {} failed, and the copy engine wrote all words.",
                if calls.len() == 1 {
                    "its only call".to_owned()
                } else {
                    format!("all {} calls", calls.len())
                },
            )
        } else {
            format!(
                "The language model failed in {} of {} calls; the copy engine wrote those scripts.",
                failed.len(),
                calls.len()
            )
        };
        let mut said = vec![format!("{first} The reason: {reason}{end}{cost}")];
        if shares.own_lines > 0 {
            said.push(shares.sentence());
        }
        return said;
    }
    if shares.own_lines > 0 {
        return vec![shares.sentence()];
    }
    let received: usize = calls.iter().map(|call| call.received).sum();
    let reason =
        dropped.iter().flat_map(|dropped| &dropped.findings).map(|finding| finding.message.as_str()).next();
    let why = reason.map_or_else(String::new, |reason| format!(" The first was dropped because {reason}."));
    vec![format!(
        "Nothing of the language model is in any script: it proposed {received}, and the copy engine wrote all \
         words.{why}"
    )]
}

/// The reason that is given most often; the first of several.
fn most_frequent<'a>(reasons: &[&'a str]) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    reasons.iter().copied().find(|reason| counts[reason] == most)
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::script::{Angle, Direction, Hook, Line, Provenance, Role};

    use super::*;

    fn call(error: Option<&str>) -> Call {
        Call {
            key: String::new(),
            provider: "openai".to_owned(),
            asked: 4,
            received: usize::from(error.is_none()),
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros(10_000),
            error: error.map(str::to_owned),
        }
    }

    /// A script whose lines are by these providers.
    fn script(providers: &[&str]) -> Script {
        let line = |provider: &&str| Line {
            role: Role::Body,
            caption: "x".to_owned(),
            detail: String::new(),
            voice: String::new(),
            picture: String::new(),
            rests_on: Vec::new(),
            provenance: Provenance {
                provider: (*provider).to_owned(),
                model: "m".to_owned(),
                prompt_hash: String::new(),
                fallback: false,
            },
        };
        Script {
            locale: spotwright_schemas::locale::Locale::EnUs,
            direction: Direction { angle: Angle::Benefit, hook: Hook::Scene },
            structure: None,
            idea: String::new(),
            learned_from: None,
            lines: providers.iter().map(line).collect(),
            primary_text: String::new(),
        }
    }

    fn shares(scripts: &[Script]) -> Shares {
        Shares::of(scripts.iter())
    }

    #[test]
    fn a_model_that_never_answers_is_spoken_of_with_its_words_and_bill() {
        let refused = call(Some("language model refused: 404 Not Found: no page; try `x/v1`"));
        let calls = [call(Some("timeout")), refused.clone(), refused];
        let none = shares(&[script(&["copy_engine", "copy_engine"])]);
        let said = sentences(&calls, &[], &none, Currency::USD);
        assert_eq!(
            said,
            [
                "No script came from the language model: all 3 calls failed, and the copy engine wrote all words. \
              The reason: language model refused: 404 Not Found: no page; try `x/v1`. \
              The provider bills $0.03 for them."
            ]
        );
        let some = shares(&[script(&["openai"]), script(&["copy_engine"])]);
        let said = sentences(&[call(None), call(Some("busy"))], &[], &some, Currency::USD);
        assert!(said[0].contains("failed in 1 of 2 calls"), "{said:?}");
        assert!(said[0].contains("busy"), "{said:?}");
        assert!(said[1].starts_with("1 of 2 scripts have words of openai m: 1 of 2 lines."), "{said:?}");
    }

    #[test]
    fn who_wrote_how_much_is_said_where_a_model_was_asked() {
        let whole = shares(&[script(&["openai", "openai"]), script(&["openai"])]);
        let said = sentences(&[call(None)], &[], &whole, Currency::USD);
        assert_eq!(said, ["All 2 scripts were written by openai m."]);
        let opened = shares(&[script(&["gguf", "copy_engine"])]);
        let said = sentences(&[call(None)], &[], &opened, Currency::USD);
        assert_eq!(
            said,
            ["1 of 1 scripts have words of gguf m: 1 of 2 lines. The copy engine wrote the others."]
        );
    }

    #[test]
    fn a_run_without_a_model_says_nothing_and_unused_proposals_are_explained() {
        let own = Call { provider: copy_engine::PROVIDER.to_owned(), ..call(Some("x")) };
        let none = shares(&[script(&["copy_engine"])]);
        assert!(sentences(&[own], &[], &none, Currency::USD).is_empty());
        let said = sentences(&[call(None)], &[], &none, Currency::USD);
        assert!(said[0].starts_with("Nothing of the language model is in any script"), "{said:?}");
    }
}
