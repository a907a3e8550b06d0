//! What the user should know of who wrote a run's lines.
//!
//! A language model that fails is replaced by the copy engine, script by script, so a run succeeds
//! without it. Where a model was asked, who wrote how much is said wherever the run's end is told, with
//! the provider's own words where it failed.

use std::collections::BTreeMap;

use spotwright_core::domain::copy_rules::locale::account;
use spotwright_creative::copy_engine;
use spotwright_creative::drafting::{Call, Dropped};
use spotwright_creative::workflow::PERSON;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::script::Script;

use crate::outputs::FinishedRun;
use crate::words::Words;

/// The least amount that a bill is told in.
const CENT: Micros = Micros(10_000);

/// Sentences on calls of a language model that failed and on lines that were not used.
#[must_use]
pub(crate) fn notices(finished: &FinishedRun, words: &Words) -> Vec<String> {
    let read = |what: &str| {
        let entries = finished.trace.iter().filter(move |entry| entry.what == what);
        entries.map(|entry| entry.detail.clone()).collect::<Vec<_>>()
    };
    let calls: Vec<Call> =
        read("model.called").into_iter().filter_map(|detail| serde_json::from_value(detail).ok()).collect();
    let dropped: Vec<Dropped> =
        read("script.dropped").into_iter().filter_map(|detail| serde_json::from_value(detail).ok()).collect();
    let scripts = finished.variants.iter().map(|variant| &variant.body.script);
    sentences(&calls, &dropped, &Shares::of(scripts), finished.run.request.brief.budget.currency, words)
}

/// How much of a run's scripts a language model wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) scripts: usize,
    /// Scripts in which at least one line is a model's.
    pub(crate) own: usize,
    pub(crate) lines: usize,
    /// Lines of models.
    pub(crate) own_lines: usize,
    /// Provider and name of the models, in the order of their first line.
    pub(crate) models: Vec<String>,
}

impl Shares {
    fn of<'a>(scripts: impl Iterator<Item = &'a Script>) -> Self {
        let mut shares = Self::default();
        for script in scripts {
            shares.scripts += 1;
            shares.lines += script.lines.len();
            let by_model = |provider: &str| provider != copy_engine::PROVIDER && provider != PERSON;
            let own = script.lines.iter().filter(|line| by_model(&line.provenance.provider));
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
}

fn sentences(
    calls: &[Call],
    dropped: &[Dropped],
    shares: &Shares,
    currency: Currency,
    words: &Words,
) -> Vec<String> {
    let calls: Vec<&Call> = calls.iter().filter(|call| call.provider != copy_engine::PROVIDER).collect();
    if calls.is_empty() {
        return Vec::new();
    }
    let told = &words.writers;
    let wrote = (shares.own_lines > 0).then(|| (told.shares)(shares));
    let failed: Vec<&Call> = calls.iter().copied().filter(|call| call.error.is_some()).collect();
    if let Some(call) = most_frequent(&failed) {
        let reason = (told.fault)(call.fault, call.reason());
        let reason = reason.trim_end_matches('.');
        let first = if failed.len() == calls.len() {
            (told.all_failed)(calls.len(), reason)
        } else {
            (told.some_failed)(failed.len(), calls.len(), reason)
        };
        let bill: Micros = calls.iter().filter(|call| call.error.is_some()).map(|call| call.cost).sum();
        let cost = if bill > Micros::ZERO {
            (told.bill)(&account(bill.max(CENT), currency), bill < CENT)
        } else {
            String::new()
        };
        return [Some(first + &cost), wrote].into_iter().flatten().collect();
    }
    if let Some(wrote) = wrote {
        return vec![wrote];
    }
    let received: usize = calls.iter().map(|call| call.received).sum();
    let first = dropped.iter().flat_map(|dropped| &dropped.findings).next();
    let reason = first.map(told.dropped);
    vec![(told.none_used)(received, reason.as_deref())]
}

/// The call with the reason that is given most often; the first of several.
fn most_frequent<'a>(failed: &[&'a Call]) -> Option<&'a Call> {
    let mut counts: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for call in failed {
        *counts.entry(call.error.as_deref()).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    failed.iter().copied().find(|call| counts.get(&call.error.as_deref()) == Some(&most))
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::locale::Locale;
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
            fault: None,
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
            locale: Locale::EnUs,
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
        let said = sentences(&calls, &[], &none, Currency::USD, Words::of(Locale::EnUs));
        assert_eq!(
            said,
            [
                "No script came from the language model: all 3 calls failed, and the copy engine wrote all words. \
              The reason: language model refused: 404 Not Found: no page; try `x/v1`. \
              The provider bills $0.03 for them."
            ]
        );
        let some = shares(&[script(&["openai"]), script(&["copy_engine"])]);
        let said =
            sentences(&[call(None), call(Some("busy"))], &[], &some, Currency::USD, Words::of(Locale::EnUs));
        assert!(said[0].contains("failed in 1 of 2 calls"), "{said:?}");
        assert!(said[0].contains("busy"), "{said:?}");
        assert!(said[1].starts_with("1 of 2 scripts have words of openai m: 1 of 2 lines."), "{said:?}");
    }

    #[test]
    fn who_wrote_how_much_is_said_where_a_model_was_asked() {
        let whole = shares(&[script(&["openai", "openai"]), script(&["openai"])]);
        let said = sentences(&[call(None)], &[], &whole, Currency::USD, Words::of(Locale::EnUs));
        assert_eq!(said, ["All 2 scripts were written by openai m."]);
        let opened = shares(&[script(&["gguf", "copy_engine"])]);
        let said = sentences(&[call(None)], &[], &opened, Currency::USD, Words::of(Locale::EnUs));
        assert_eq!(
            said,
            ["1 of 1 scripts have words of gguf m: 1 of 2 lines. The copy engine wrote the others."]
        );
    }

    #[test]
    fn a_run_without_a_model_says_nothing_and_unused_proposals_are_explained() {
        let own = Call { provider: copy_engine::PROVIDER.to_owned(), ..call(Some("x")) };
        let none = shares(&[script(&["copy_engine"])]);
        assert!(sentences(&[own], &[], &none, Currency::USD, Words::of(Locale::EnUs)).is_empty());
        let said = sentences(&[call(None)], &[], &none, Currency::USD, Words::of(Locale::EnUs));
        assert!(said[0].starts_with("Nothing of the language model is in any script"), "{said:?}");
    }

    #[test]
    fn a_chinese_run_is_told_in_chinese_with_the_providers_own_words_set_off() {
        let refused = call(Some("language model refused: 404 Not Found: no page; try `x/v1`"));
        let calls = [refused.clone(), refused];
        let none = shares(&[script(&["copy_engine"])]);
        let chinese = Words::of(Locale::ZhCn);
        let said = sentences(&calls, &[], &none, Currency::CNY, chinese);
        assert_eq!(
            said,
            ["没有一条脚本出自语言模型：2 次调用全部失败，全部文案由内置文案引擎撰写。原因：\
                 `language model refused: 404 Not Found: no page; try 'x/v1'`。\
                 这些失败的调用，服务商共计费 ¥0.02。"]
        );
        let some = shares(&[script(&["openai"]), script(&["copy_engine"])]);
        let said = sentences(&[call(None)], &[], &some, Currency::CNY, chinese);
        assert_eq!(said, ["2 条脚本中有 1 条用了 openai m 的文案：2 句中的 1 句。其余由内置文案引擎撰写。"]);
    }
}
