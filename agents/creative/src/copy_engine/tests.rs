//! What the copy engine promises.

use std::collections::BTreeSet;

use spotwright_core::domain::copy_rules::quantity::parse;
use spotwright_core::domain::copy_rules::terms::is_forbidden;
use spotwright_schemas::brief::Tone;

use super::*;
use crate::fixtures::{all, coffee_en, coffee_zh};

fn request(brief: &Brief, role: Role, direction: Direction, seed: u64) -> LineRequest<'_> {
    let max_chars = limits(brief.locale, role).caption;
    LineRequest { brief, direction, role, count: 8, max_chars, inspiration: &[], avoid: &[], seed }
}

const QUESTION: Direction = Direction { angle: Angle::Problem, hook: Hook::Question };

#[test]
fn the_library_is_large_enough_and_covers_every_direction_in_every_tone() {
    for locale in [Locale::EnUs, Locale::ZhCn] {
        let count = |role| patterns(locale).iter().filter(|pattern| pattern.role == role).count();
        assert!(count(Role::Hook) >= 80, "{}", count(Role::Hook));
        assert!(count(Role::Body) >= 15 && count(Role::Proof) >= 12 && count(Role::Cta) >= 8);
        let names: BTreeSet<&str> = patterns(locale).iter().map(|pattern| pattern.id).collect();
        assert_eq!(names.len(), patterns(locale).len(), "pattern ids are unique");
        for angle in Angle::ALL {
            for form in Hook::ALL {
                for tone in [Tone::Warm, Tone::Bold, Tone::Plain, Tone::Playful] {
                    let fits = |pattern: &&Pattern| {
                        pattern.direction == Some((angle, form))
                            && (pattern.tones.is_empty() || pattern.tones.contains(&tone))
                    };
                    let n = patterns(locale).iter().filter(fits).count();
                    assert!(n >= 2, "{locale:?} {angle:?} {form:?} {tone:?}");
                }
            }
        }
    }
}

#[test]
fn pattern_words_state_no_quantity_and_hold_no_listed_term() {
    for locale in [Locale::EnUs, Locale::ZhCn] {
        for pattern in patterns(locale) {
            for text in [pattern.caption, pattern.detail] {
                assert!(parse(text, locale).is_empty(), "{} {text}", pattern.id);
                assert!(!is_forbidden(text, locale, &[]), "{} {text}", pattern.id);
            }
        }
    }
}

#[test]
fn number_hooks_show_a_figure() {
    for brief in all() {
        for angle in Angle::ALL {
            let direction = Direction { angle, hook: Hook::Number };
            for line in CopyEngine.lines(&request(&brief, Role::Hook, direction, 1)) {
                assert!(line.caption.chars().any(|c| c.is_ascii_digit()), "{line:?}");
            }
        }
    }
}

#[test]
fn avoided_captions_do_not_come_back() {
    let brief = coffee_en();
    let first = CopyEngine.lines(&request(&brief, Role::Hook, QUESTION, 1));
    let avoid: Vec<String> = first.iter().map(|line| line.caption.to_uppercase()).collect();
    let again = CopyEngine.lines(&LineRequest { avoid: &avoid, ..request(&brief, Role::Hook, QUESTION, 1) });
    assert!(again.iter().all(|line| !avoid.contains(&line.caption.to_uppercase())));
}

#[test]
fn banned_words_keep_patterns_and_facts_out() {
    let mut brief = coffee_en();
    brief.brand.banned_words = vec!["Sound".to_owned(), "lately".to_owned(), "this".to_owned()];
    for line in CopyEngine.lines(&request(&brief, Role::Hook, QUESTION, 1)) {
        let text = format!("{} {}", line.caption, line.detail).to_lowercase();
        assert!(!text.contains("lately") && !text.contains("this"), "{line:?}");
    }
}

#[test]
fn a_line_that_did_well_breeds_relatives() {
    let brief = coffee_zh();
    let inspiration = ["早上赶地铁，来不及好好喝杯咖啡？".to_owned()];
    let fact = FactId::new("rush");
    let shares = |inspiration: &[String]| {
        let mut n = 0;
        for seed in 0..60 {
            let direction = Direction { angle: Angle::Problem, hook: Hook::Command };
            let request = request(&brief, Role::Hook, direction, seed);
            let lines = CopyEngine.lines(&LineRequest { inspiration, count: 1, ..request });
            n += lines.iter().filter(|line| line.rests_on.contains(&fact)).count();
        }
        n
    };
    let (without, with) = (shares(&[]), shares(&inspiration));
    assert!(with >= 2 * without - without / 2 && with > without + 10, "{without} {with}");
}

#[test]
fn terms_in_facts_are_not_spread() {
    let mut brief = coffee_en();
    for fact in &mut brief.product.facts {
        fact.text = "The best coffee".to_owned();
    }
    assert!(CopyEngine.lines(&request(&brief, Role::Hook, QUESTION, 1)).is_empty());
}
