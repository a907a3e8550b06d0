//! What drafting promises.

use std::collections::BTreeSet;

use async_trait::async_trait;
use proptest::prelude::*;
use spotwright_core::domain::copy_rules::terms::is_forbidden;
use spotwright_core::ports::language_model::{LanguageModelError, Proposals};
use spotwright_schemas::brief::{Evidence, Fact};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::{Angle, Hook};

use super::*;
use crate::fixtures::{EveryLetter, all, block_on, cat_zh, coffee_en, coffee_zh, drafted, generation};
use crate::learn::Beliefs;
use crate::plan::{Reason, plan};

/// A language model that answers what it was told to.
struct Scripted(Result<Vec<ProposedLine>, LanguageModelError>);

#[async_trait]
impl LanguageModel for Scripted {
    fn provider(&self) -> &'static str {
        "scripted"
    }
    fn repeatable(&self) -> bool {
        true
    }
    fn quote(&self, _: &LineRequest<'_>) -> Micros {
        Micros(1_000)
    }
    async fn propose(&self, _: &LineRequest<'_>, _: &str) -> Result<Proposals, LanguageModelError> {
        let lines = self.0.clone()?;
        Ok(Proposals { lines, prompt_hash: "ab".repeat(32), tokens: [10, 5], cost: Micros(500) })
    }
}

#[test]
fn five_hundred_scripts_pass_with_no_invented_number() {
    let mut n = 0;
    for seed in 0..14 {
        for brief in all() {
            let generation = generation(&brief, 12, seed);
            assert_eq!(generation.scripts.len(), 12);
            let mut before: Vec<Script> = Vec::new();
            for draft in generation.scripts {
                let verdict = critique(&brief, &draft.script, &before);
                assert!(verdict.pass, "{:?}", verdict.findings);
                before.push(draft.script);
                n += 1;
            }
        }
    }
    assert!(n >= 500, "{n}");
}

#[test]
fn whole_scripts_open_differently_and_share_at_most_one_line() {
    for brief in all() {
        let scripts: Vec<Script> = generation(&brief, 12, 7).scripts.into_iter().map(|d| d.script).collect();
        let whole: Vec<&Script> = scripts.iter().filter(|script| script.structure.is_some()).collect();
        assert!(whole.len() >= 8, "{} of {}", whole.len(), brief.id);
        let structures: BTreeSet<_> = whole.iter().filter_map(|script| script.structure).collect();
        assert!(structures.len() >= 4, "{structures:?}");
        for (at, script) in whole.iter().enumerate() {
            for other in &whole[..at] {
                assert_ne!(script.lines[0].caption, other.lines[0].caption);
                let shared = |line: &&Line| {
                    other
                        .lines
                        .iter()
                        .any(|known| (&known.caption, &known.detail) == (&line.caption, &line.detail))
                };
                assert!(script.lines.iter().filter(shared).count() <= 1);
            }
        }
    }
}

#[test]
fn a_failing_model_is_replaced_and_marked() {
    let brief = coffee_en();
    let broken = Scripted(Err(LanguageModelError::Unavailable("no connection".to_owned())));
    let generation = drafted(&brief, 6, 3, &broken);
    assert_eq!(generation.scripts.len(), 6);
    for draft in &generation.scripts {
        assert!(
            draft.script.lines.iter().all(|l| l.provenance.fallback && l.provenance.provider == PROVIDER)
        );
    }
    assert!(generation.calls.iter().all(|call| call.error.is_some() && call.provider == "scripted"));
}

#[test]
fn invented_numbers_and_claims_of_a_model_are_dropped_with_reasons() {
    let brief = coffee_en();
    let line = |caption: &str, fact: &str| ProposedLine {
        caption: caption.to_owned(),
        detail: String::new(),
        rests_on: vec![FactId::new(fact)],
        model: "m".to_owned(),
    };
    let model = Scripted(Ok(vec![
        line("The best coffee in town", "smooth"),
        line("Loved by 10,000 people", "smooth"),
        line("Smooth, as if by magic", "unheard_of"),
        line("Smooth to the very end", "smooth"),
    ]));
    let generation = drafted(&brief, 3, 3, &model);
    let rules: BTreeSet<String> =
        generation.dropped.iter().flat_map(|d| &d.findings).map(|f| f.rule.clone()).collect();
    for rule in ["absolute.best", "number_not_in_facts", "unknown_fact"] {
        assert!(rules.contains(rule), "{rules:?}");
    }
    let own = generation.scripts.iter().flat_map(|d| &d.script.lines).filter(|l| !l.provenance.fallback);
    assert!(own.clone().count() > 0);
    assert!(
        own.into_iter().all(|l| l.caption == "Smooth to the very end" && l.provenance.provider == "scripted")
    );
}

fn proposed(caption: &str, facts: &[&str]) -> ProposedLine {
    ProposedLine {
        caption: caption.to_owned(),
        detail: String::new(),
        rests_on: facts.iter().copied().map(FactId::new).collect(),
        model: "m".to_owned(),
    }
}

fn request_for<'a>(brief: &'a Brief, assignments: &'a [Assignment], generation: u32) -> DraftRequest<'a> {
    DraftRequest {
        brief,
        generation,
        assignments,
        parents: &[],
        avoid: &[],
        lessons: &[],
        seed: 5,
        key_prefix: "run",
    }
}

/// Providers and databases know calls by these keys.
#[test]
fn the_keys_of_paid_calls_keep_the_values_that_are_in_use() {
    let brief = coffee_en();
    let directions = Angle::ALL.into_iter().zip(Hook::ALL);
    let assignments: Vec<Assignment> = directions
        .zip(1..)
        .map(|((angle, hook), number)| Assignment {
            number,
            direction: Direction { angle, hook },
            reason: Reason::Coverage,
        })
        .collect();
    let inspiration = Inspiration::default();
    let request = request_for(&brief, &assignments, 2);
    let keys: Vec<String> = requests(&request, &inspiration).into_iter().map(|(key, _)| key).collect();
    let names = [
        "hook-problem-question",
        "hook-benefit-number",
        "hook-proof-contrast",
        "hook-offer-command",
        "hook-story-scene",
        "hook-moment-statement",
        "body",
        "proof",
        "cta",
    ];
    assert_eq!(keys, names.map(|name| format!("run/generation-2/{name}")));
}

#[test]
fn every_seed_of_a_line_depends_on_the_generation() {
    let brief = coffee_en();
    let assignments = plan(&brief, 1, 4, &Beliefs::default(), 5);
    let inspiration = Inspiration::default();
    let seeds = |generation: u32| -> Vec<u64> {
        let request = request_for(&brief, &assignments, generation);
        let again = (1..=4).map(|variant| redrafting_seed(&request, variant));
        requests(&request, &inspiration).into_iter().map(|(_, line)| line.seed).chain(again).collect()
    };
    let (first, second) = (seeds(1), seeds(2));
    assert!(first.len() > 4 && first.iter().zip(&second).all(|(one, other)| one != other));
    assert_eq!(first, seeds(1));
}

#[test]
fn the_quote_covers_the_calls() {
    let brief = coffee_en();
    let model = Scripted(Ok(Vec::new()));
    let assignments = plan(&brief, 1, 12, &Beliefs::default(), 5);
    let request = DraftRequest {
        brief: &brief,
        generation: 1,
        assignments: &assignments,
        parents: &[],
        avoid: &[],
        lessons: &[],
        seed: 5,
        key_prefix: "test",
    };
    let generation = block_on(draft_generation(&request, &model, &EveryLetter));
    let cost: Micros = generation.calls.iter().map(|call| call.cost).sum();
    assert!(cost <= quote(&request, &model) && cost > Micros::ZERO);
    let keys: BTreeSet<&str> = generation.calls.iter().map(|call| call.key.as_str()).collect();
    assert_eq!(keys.len(), generation.calls.len());
}

#[test]
fn later_generations_do_not_repeat_hooks() {
    let brief = coffee_zh();
    let first = generation(&brief, 12, 2);
    let parents: Vec<Script> = first.scripts.iter().take(2).map(|d| d.script.clone()).collect();
    let avoid: Vec<String> = first.scripts.iter().map(|d| d.script.lines[0].caption.clone()).collect();
    let assignments = plan(&brief, 2, 12, &Beliefs::default(), 2);
    let request = DraftRequest {
        brief: &brief,
        generation: 2,
        assignments: &assignments,
        parents: &parents,
        avoid: &avoid,
        lessons: &[],
        seed: 2,
        key_prefix: "test",
    };
    let second = block_on(draft_generation(&request, &CopyEngine, &EveryLetter));
    assert_eq!(second.scripts.len(), 12);
    assert!(second.scripts.iter().all(|d| !avoid.contains(&d.script.lines[0].caption)));
}

fn shown(brief: &Brief, seed: u64) -> String {
    let mut text = String::new();
    for draft in generation(brief, 12, seed).scripts {
        let direction = draft.script.direction;
        text.push_str(&format!("{:?} x {:?}\n", direction.angle, direction.hook));
        for line in &draft.script.lines {
            text.push_str(&format!("  {} | {}\n", line.caption, line.detail));
        }
        text.push_str(&format!("  > {}\n", draft.script.primary_text));
    }
    text
}

#[test]
fn a_generation_reads_as_reviewed() {
    insta::assert_snapshot!("coffee_en", shown(&coffee_en(), 7));
    insta::assert_snapshot!("coffee_zh", shown(&coffee_zh(), 7));
    insta::assert_snapshot!("cat_zh", shown(&cat_zh(), 7));
}

const ALL_KINDS: [FactKind; 8] = [
    FactKind::Feature,
    FactKind::Benefit,
    FactKind::Proof,
    FactKind::Price,
    FactKind::Offer,
    FactKind::Origin,
    FactKind::Problem,
    FactKind::Moment,
];

fn fact_text(locale: Locale) -> BoxedStrategy<String> {
    match locale.language() {
        Language::English => "[A-Z][a-z]{1,9}( [a-z]{2,9}| [0-9]{1,4}| \\$[0-9]{2}){0,5}[.!?]?".boxed(),
        Language::Chinese => "[\u{5C71}\u{6C34}\u{82B1}\u{9999}\u{65E9}\u{6668}\u{70ED}\u{996E}]{2,20}(，[0-9]{1,4}(天|元|克|%))?[！？]?".boxed(),
    }
}

prop_compose! {
    fn briefs()(zh in any::<bool>())(
        zh in Just(zh),
        kinds in prop::collection::vec(0..ALL_KINDS.len(), 0..14),
        texts in prop::collection::vec(fact_text(if zh { Locale::ZhCn } else { Locale::EnUs }), 15),
        action in 0..6_usize,
        tone in 0..4_usize,
        name in if zh { "[\u{5C71}\u{6C34}\u{82B1}]{1,40}" } else { "[A-Z][a-z0-9]{0,38}" },
    ) -> Brief {
        use spotwright_schemas::brief::{CallToAction as C, Tone as T};
        let mut brief = if zh { coffee_zh() } else { coffee_en() };
        brief.brand.banned_words.clear();
        brief.brand.tone = [T::Warm, T::Bold, T::Plain, T::Playful][tone];
        brief.call_to_action = [C::ShopNow, C::OrderNow, C::LearnMore, C::BookNow, C::Download, C::TryIt][action];
        brief.product.name = name;
        // One feature at least, as a valid brief needs a fact about the product.
        let kinds = std::iter::once(FactKind::Feature).chain(kinds.into_iter().map(|k| ALL_KINDS[k]));
        brief.product.facts = kinds
            .zip(texts)
            .enumerate()
            .map(|(idx, (kind, text))| Fact {
                id: FactId::new(format!("f{idx}")),
                kind,
                text: text.chars().take(60).collect(),
                evidence: kind.needs_evidence()
                    .then(|| Evidence { source: "test record".to_owned(), quote: None }),
            })
            .collect();
        brief
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_valid_brief_gives_clean_scripts(brief in briefs(), seed in any::<u64>()) {
        prop_assert!(brief.validate().is_ok(), "{:?}", brief.validate());
        let generation = generation(&brief, 5, seed);
        prop_assert!(!generation.scripts.is_empty());
        let mut before = Vec::new();
        for draft in generation.scripts {
            let verdict = critique(&brief, &draft.script, &before);
            prop_assert!(verdict.pass, "{:?}", verdict.findings);
            for line in &draft.script.lines {
                let limits = limits(brief.locale, line.role);
                prop_assert!(length(&line.caption) <= limits.caption && length(&line.detail) <= limits.detail);
                let names = [brief.brand.name.as_str(), brief.product.name.as_str()];
                prop_assert!(!is_forbidden(&line.caption, brief.locale, &names));
            }
            before.push(draft.script);
        }
    }

    #[test]
    fn the_seed_and_nothing_else_decides(seed in 0..1_000_000_u64) {
        let brief = coffee_en();
        let first = generation(&brief, 6, seed);
        prop_assert_eq!(&first, &generation(&brief, 6, seed));
        prop_assert_ne!(first.scripts, generation(&brief, 6, seed + 1).scripts);
    }
}

/// Draws ASCII.
struct Typewriter;

impl Letters for Typewriter {
    fn undrawable(&self, text: &str) -> Vec<char> {
        text.chars().filter(|c| !c.is_ascii()).collect()
    }
}

#[test]
fn lines_that_cannot_be_drawn_are_replaced_and_the_variant_stays() {
    let brief = coffee_en();
    let line = |caption: &str| proposed(caption, &["smooth"]);
    let model = Scripted(Ok(vec![
        line("Smooth to the last \u{16A0}"),
        line("Smooth cafe\u{301}"),
        line("Smooth to the end"),
    ]));
    let assignments = plan(&brief, 1, 3, &Beliefs::default(), 3);
    let request = DraftRequest {
        brief: &brief,
        generation: 1,
        assignments: &assignments,
        parents: &[],
        avoid: &[],
        lessons: &[],
        seed: 3,
        key_prefix: "test",
    };
    let generation = block_on(draft_generation(&request, &model, &Typewriter));
    assert_eq!(generation.scripts.len(), 3, "no variant is lost");
    let captions: Vec<&String> =
        generation.scripts.iter().flat_map(|d| &d.script.lines).map(|l| &l.caption).collect();
    assert!(captions.iter().any(|caption| *caption == "Smooth to the end"));
    assert!(captions.iter().all(|caption| caption.is_ascii()), "{captions:?}");
    let found = generation.dropped.iter().flat_map(|d| &d.findings).find(|f| f.rule == "undrawable");
    assert!(found.expect("a finding").message.contains("U+16A0"));
    // Letters are composed before anything else looks at them.
    assert!(generation.dropped.iter().any(|d| d.caption == "Smooth café"));
}
