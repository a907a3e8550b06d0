//! What the user should know of who wrote a run's lines.
//!
//! A language model that fails is replaced by the copy engine, line by line, so a run succeeds without
//! it. That is said wherever the run's end is told, with the provider's own words.

use std::collections::BTreeMap;

use spotwright_core::domain::copy_rules::locale::account;
use spotwright_creative::copy_engine;
use spotwright_creative::drafting::{Call, Dropped};
use spotwright_creative::workflow::PERSON;
use spotwright_schemas::money::{Currency, Micros};

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
    let lines = finished.variants.iter().flat_map(|variant| &variant.body.script.lines);
    let by_model = |provider: &str| provider != copy_engine::PROVIDER && provider != PERSON;
    let used = lines.filter(|line| by_model(&line.provenance.provider)).count();
    sentences(&calls, &dropped, used, finished.run.request.brief.budget.currency, words)
}

/// `used` counts the lines of the run's scripts that a language model wrote.
fn sentences(
    calls: &[Call],
    dropped: &[Dropped],
    used: usize,
    currency: Currency,
    words: &Words,
) -> Vec<String> {
    let calls: Vec<&Call> = calls.iter().filter(|call| call.provider != copy_engine::PROVIDER).collect();
    if calls.is_empty() {
        return Vec::new();
    }
    let told = &words.writers;
    let failed: Vec<&str> = calls.iter().filter_map(|call| call.error.as_deref()).collect();
    let bill: Micros = calls.iter().filter(|call| call.error.is_some()).map(|call| call.cost).sum();
    let cost = if bill > Micros::ZERO {
        (told.bill)(&account(bill.max(CENT), currency), bill < CENT)
    } else {
        String::new()
    };
    if let Some(reason) = most_frequent(&failed) {
        let reason = reason.trim_end_matches('.');
        let first = if failed.len() == calls.len() {
            (told.all_failed)(calls.len(), reason)
        } else {
            (told.some_failed)(failed.len(), calls.len(), reason)
        };
        return vec![first + &cost];
    }
    if used > 0 {
        return Vec::new();
    }
    let received: usize = calls.iter().map(|call| call.received).sum();
    let first = dropped.iter().flat_map(|dropped| &dropped.findings).next();
    let reason = first.map(told.dropped);
    vec![(told.none_used)(received, reason.as_deref())]
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
    use spotwright_schemas::locale::Locale;
    use spotwright_schemas::script::Role;

    use super::*;

    fn call(error: Option<&str>) -> Call {
        Call {
            key: String::new(),
            provider: "openai".to_owned(),
            role: Role::Hook,
            received: usize::from(error.is_none()),
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros(10_000),
            error: error.map(str::to_owned),
        }
    }

    fn english(calls: &[Call], used: usize) -> Vec<String> {
        sentences(calls, &[], used, Currency::USD, Words::of(Locale::EnUs))
    }

    #[test]
    fn a_model_that_never_answers_is_spoken_of_with_its_words_and_bill() {
        let refused = call(Some("language model refused: 404 Not Found: no page; try `x/v1`"));
        let calls = [call(Some("timeout")), refused.clone(), refused];
        let said = english(&calls, 0);
        assert_eq!(
            said,
            [
                "No line came from the language model: all 3 calls failed, and the copy engine wrote all words. \
              The reason: language model refused: 404 Not Found: no page; try `x/v1`. \
              The provider bills $0.03 for them."
            ]
        );
        let said = english(&[call(None), call(Some("busy"))], 3);
        assert!(said[0].contains("failed in 1 of 2 calls"), "{said:?}");
        assert!(said[0].contains("busy"), "{said:?}");
    }

    #[test]
    fn a_model_that_writes_is_not_spoken_of() {
        assert!(english(&[call(None)], 1).is_empty());
        let own = Call { provider: copy_engine::PROVIDER.to_owned(), ..call(Some("x")) };
        assert!(english(&[own], 0).is_empty());
        let said = english(&[call(None)], 0);
        assert!(said[0].starts_with("No line of the language model is in any script"), "{said:?}");
    }

    #[test]
    fn a_chinese_run_is_told_in_chinese_with_the_providers_own_words_set_off() {
        let refused = call(Some("language model refused: 404 Not Found: no page; try `x/v1`"));
        let calls = [refused.clone(), refused];
        let said = sentences(&calls, &[], 0, Currency::CNY, Words::of(Locale::ZhCn));
        assert_eq!(
            said,
            ["没有一句文案出自语言模型：2 次调用全部失败，全部文案由内置文案引擎撰写。原因：\
                 `language model refused: 404 Not Found: no page; try 'x/v1'`。\
                 这些失败的调用，服务商共计费 ¥0.02。"]
        );
    }
}
