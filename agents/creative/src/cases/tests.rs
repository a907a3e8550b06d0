//! What the library promises: sound cases, the right one for a brief, different ones beside it, and
//! nobody's winners but one's own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use spotwright_core::domain::copy_rules::terms::first_forbidden;
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, Vertical};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::{OrganizationId, RunId, VariantId};
use spotwright_schemas::script::{Role, Structure};

use super::{By, Case, Library, Lift, Query, Source, TextVectors, Winner, for_script};
use crate::copywriter::{Request, vertical_of, write};
use crate::fixtures::{all, coffee_en, coffee_zh};

const LOCALES: [Locale; 2] = [Locale::ZhCn, Locale::EnUs];

fn library() -> Library {
    Library::read().expect("embedded cases")
}

fn bench(id: &str) -> Brief {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/bench").join(id).join("brief.yaml");
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Brief::from_yaml(&bytes).unwrap_or_else(|problem| panic!("{id}: {problem}"))
}

fn texts(case: &Case) -> Vec<&str> {
    let mut texts: Vec<&String> = vec![&case.title, &case.product, &case.idea, &case.needs.picture];
    texts.extend(case.tags.iter().chain(&case.why).chain(&case.pitfalls));
    for shot in &case.shots {
        texts.extend([&shot.happens, &shot.caption, &shot.picture, &shot.line]);
    }
    texts.into_iter().map(String::as_str).collect()
}

#[test]
fn the_library_holds_seventy_cases_a_language_each_with_an_id_title_and_lines_of_its_own() {
    let library = library();
    for locale in LOCALES {
        let cases = library.cases(locale);
        assert!(cases.len() >= 65, "{} {}", locale.tag(), cases.len());
        let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let titles: BTreeSet<&str> = cases.iter().map(|case| case.title.as_str()).collect();
        assert_eq!((ids.len(), titles.len()), (cases.len(), cases.len()));
        let mut lines = BTreeSet::new();
        for shot in cases.iter().flat_map(|case| &case.shots) {
            assert!(lines.insert(shot.line.as_str()), "{}: `{}` stands twice", locale.tag(), shot.line);
        }
    }
    assert!(LOCALES.iter().map(|locale| library.cases(*locale).len()).sum::<usize>() >= 130);
}

#[test]
fn every_field_of_a_case_is_in_range() {
    let library = library();
    for case in LOCALES.iter().flat_map(|locale| library.cases(*locale)) {
        let id = &case.id;
        assert!((2..=60).contains(&case.title.chars().count()), "{id}");
        assert!((8..=180).contains(&case.idea.chars().count()), "{id}");
        assert!((4..=6).contains(&case.shots.len()), "{id}");
        assert!((2..=3).contains(&case.why.len()), "{id}");
        assert!((1..=3).contains(&case.pitfalls.len()), "{id}");
        assert!((4..=6).contains(&case.tags.len()), "{id}");
        assert!(!case.objectives.is_empty(), "{id}");
        assert_eq!(case.verticals.iter().collect::<BTreeSet<_>>().len(), case.verticals.len(), "{id}");
        for shot in &case.shots {
            assert!((1..=48).contains(&shot.line.chars().count()), "{id}: {}", shot.line);
        }
        for text in texts(case) {
            assert!(!text.trim().is_empty() && text.trim() == text, "{id}: `{text}`");
            assert!(!text.chars().any(char::is_control), "{id}: `{text}`");
        }
    }
}

#[test]
fn no_case_holds_a_term_that_no_ad_may_say() {
    let library = library();
    for locale in LOCALES {
        for case in library.cases(locale) {
            for text in texts(case) {
                let hit = first_forbidden(text, locale, &[]);
                assert!(hit.is_none(), "{}: `{text}`: {hit:?}", case.id);
            }
        }
    }
}

#[test]
fn every_line_of_business_has_four_cases_of_four_structures_and_every_structure_has_a_case() {
    let library = library();
    for locale in LOCALES {
        let cases = library.cases(locale);
        for vertical in Vertical::ALL {
            let serving: Vec<&Case> = cases.iter().filter(|case| case.verticals.contains(vertical)).collect();
            let structures: BTreeSet<Structure> = serving.iter().map(|case| case.structure).collect();
            assert!(serving.len() >= 4, "{} {}", locale.tag(), vertical.as_str());
            assert!(structures.len() >= 4, "{} {}: {structures:?}", locale.tag(), vertical.as_str());
            assert!(serving.iter().any(|case| case.verticals.first() == Some(vertical)));
        }
        let structures: BTreeSet<Structure> = cases.iter().map(|case| case.structure).collect();
        assert_eq!(structures.len(), Structure::ALL.len(), "{}", locale.tag());
    }
}

#[test]
fn a_case_is_found_again_by_its_id_and_an_unknown_id_is_not() {
    let library = library();
    let case = library.case("zh.restaurant.weeknight_pot").expect("a case of ours");
    assert_eq!(case.structure, Structure::PlaceDishDeal);
    assert_eq!(library.case("zh.restaurant.no_such_case"), None);
}

/// A brief of the bench and the case that anybody would name for it.
const RIGHT: [(&str, &str); 24] = [
    ("hotpot-zh", "zh.restaurant.weeknight_pot"),
    ("suancaiyu-zh", "zh.restaurant.last_table_minute"),
    ("mianguan-zh", "zh.restaurant.regular_seat"),
    ("baowenbei-zh", "zh.drinkware.upside_down_bag"),
    ("doujiangji-zh", "zh.kitchen.soak_or_not"),
    ("duanju-zh", "zh.drama.tea_did_not_spill"),
    ("excel-zh", "zh.adult_courses.sheet_till_nine"),
    ("fangshaiyi-zh", "zh.clothing.rain_on_sleeve"),
    ("jizhang-zh", "zh.app.say_it_logged"),
    ("maoguan-zh", "zh.pets.lid_sound"),
    ("tuiche-zh", "zh.baby.one_hand_fold"),
    ("yiwai-zh", "zh.finance.read_the_clause"),
    ("bakery-en", "en.restaurant.half_price_five_pm"),
    ("ramen-en", "en.restaurant.ticket_on_the_pass"),
    ("catfood-en", "en.pets.tin_before_the_bowl"),
    ("cleaning-en", "en.local_services.half_the_oven"),
    ("coding-en", "en.kids_education.he_built_it"),
    ("dentist-en", "en.health_services.stop_button_in_hand"),
    ("earbuds-en", "en.electronics.it_rolled_away"),
    ("espresso-en", "en.coffee_tea.who_roasted_it"),
    ("knife-en", "en.kitchen.tomato_thin"),
    ("socks-en", "en.shoes.seam_at_mile_five"),
    ("tent-en", "en.sports_outdoor.two_beginners_one_tent"),
    ("travelcover-en", "en.finance.what_is_not_covered"),
];

#[test]
fn the_obviously_right_case_is_found_first() {
    let library = library();
    let missed: Vec<String> = RIGHT
        .iter()
        .filter_map(|(id, right)| {
            let brief = bench(id);
            let found: Vec<String> =
                library.find(&Query::new(&brief, 3)).iter().map(|found| found.source.id()).collect();
            (found.first().map(String::as_str) != Some(*right)).then(|| format!("{id}: {found:?}"))
        })
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_found_says_by_which_words_and_why() {
    let library = library();
    let brief = bench("hotpot-zh");
    let found = library.find(&Query::new(&brief, 1));
    let first = found.first().expect("a case");
    assert!(first.matched.iter().any(|term| term == "火锅"), "{:?}", first.matched);
    assert!(first.why.contains("made for restaurant"), "{}", first.why);
    assert_eq!(first.by, By::WordsAndConcepts);
    assert!(first.score > 0.0 && first.score <= 1.0);
}

#[test]
fn no_structure_comes_twice_among_the_first_three() {
    let library = library();
    for (id, _) in RIGHT {
        let brief = bench(id);
        let found = library.find(&Query::new(&brief, 3));
        let structures: BTreeSet<_> = found.iter().filter_map(|found| found.source.structure()).collect();
        assert_eq!((found.len(), structures.len()), (3, 3), "{id}");
    }
}

#[test]
fn a_structure_that_is_asked_for_is_the_only_one_found() {
    let library = library();
    let brief = coffee_en();
    for structure in Structure::ALL {
        let found = library.find(&Query { structure: Some(structure), ..Query::new(&brief, 2) });
        assert!(!found.is_empty(), "{}", structure.as_str());
        assert!(found.iter().all(|found| found.source.structure() == Some(structure)));
    }
}

#[test]
fn a_case_whose_needs_the_brief_cannot_meet_falls_behind_and_says_what_is_missing() {
    let library = library();
    let mut brief = bench("hotpot-zh");
    let pot = |brief: &Brief| {
        let query = Query { structure: Some(Structure::PlaceDishDeal), ..Query::new(brief, 9) };
        let found = library.find(&query);
        let pot = found.iter().find(|found| found.source.id() == "zh.restaurant.weeknight_pot");
        pot.map(|found| (found.score, found.why.clone())).expect("found")
    };
    let (whole, _) = pot(&brief);
    brief.offer = None;
    let (poor, why) = pot(&brief);
    assert!(poor < whole, "{poor} {whole}");
    assert!(why.contains("the brief lacks") && why.contains("a price before"), "{why}");
}

#[test]
fn equal_queries_find_equal_cases() {
    let (one, other) = (library(), library());
    for brief in all() {
        assert_eq!(one.find(&Query::new(&brief, 8)), other.find(&Query::new(&brief, 8)));
    }
}

#[test]
fn nothing_is_found_where_nothing_is_asked_for_and_never_more_than_the_library_holds() {
    let library = library();
    let brief = coffee_zh();
    assert!(library.find(&Query::new(&brief, 0)).is_empty());
    assert!(library.find(&Query::new(&brief, 10_000)).len() <= library.cases(Locale::ZhCn).len());
    assert!(library.find(&Query::new(&brief, usize::MAX)).len() <= library.cases(Locale::ZhCn).len());
}

// ---- the organization's own winners ----------------------------------------------------------

fn organization(index: u64) -> OrganizationId {
    OrganizationId::derive(1, "organization", index)
}

/// A winner of an organization whose words are those of the brief, so that it is found if it may be.
fn winner(brief: &Brief, of: u64) -> Winner {
    let request = Request { brief, scripts: 1, structures: &[], avoid: &[], seed: of };
    let script = write(&request).into_iter().next().expect("a script");
    Winner {
        organization: organization(of),
        run: RunId::derive(1, "run", of),
        variant: VariantId::derive(1, "variant", of),
        summary: format!("{}: {}", brief.product.category, brief.audience.description),
        vertical: vertical_of(brief),
        objective: brief.objective,
        script,
        lift: Lift::of(1_000, 60, 9_000, 180).expect("enough clicks"),
        source: FeedbackSource::Simulated,
    }
}

fn own<'a>(found: &'a [super::Found<'_>]) -> Vec<&'a Winner> {
    found
        .iter()
        .filter_map(|found| match found.source {
            Source::Own(winner) => Some(winner),
            Source::Case(_) => None,
        })
        .collect()
}

#[test]
fn winners_are_found_by_their_own_organization_and_by_nobody_else() {
    let library = library();
    let brief = coffee_en();
    let winners: Vec<Winner> = (0..6).map(|of| winner(&brief, of)).collect();
    let query = Query { winners: &winners, ..Query::new(&brief, 500) };
    for of in 0..6 {
        let found = library.find(&Query { organization: Some(organization(of)), ..query });
        let own = own(&found);
        assert_eq!(own.len(), 1, "organization {of}");
        assert!(own.iter().all(|winner| winner.organization == organization(of)));
    }
    assert!(own(&library.find(&Query { organization: Some(organization(7)), ..query })).is_empty());
    assert!(own(&library.find(&query)).is_empty(), "without an organization there are no winners");
}

#[test]
fn a_winner_in_the_words_of_the_brief_is_among_the_first_and_tells_its_lift() {
    let library = library();
    let brief = coffee_en();
    let winners = [winner(&brief, 3)];
    let query = Query { winners: &winners, organization: Some(organization(3)), ..Query::new(&brief, 3) };
    let found = library.find(&query);
    let own = found.iter().find(|found| matches!(found.source, Source::Own(_))).expect("the winner");
    assert!(own.why.contains("1000 impressions"), "{}", own.why);
    assert!(own.source.id().starts_with("own."));
    assert_eq!(own.source.note_parts().lines.len(), winners[0].script.lines.len());
}

#[test]
fn a_winner_in_another_language_is_not_found() {
    let library = library();
    let (english, chinese) = (coffee_en(), coffee_zh());
    let winners = [winner(&english, 3)];
    let query = Query { winners: &winners, organization: Some(organization(3)), ..Query::new(&chinese, 500) };
    assert!(own(&library.find(&query)).is_empty());
}

#[test]
fn a_lift_holds_its_ratio_inside_its_interval_and_few_clicks_give_none() {
    let lift = Lift::of(2_000, 60, 20_000, 300).expect("a lift");
    assert!((lift.ratio - 2.0).abs() < 0.05, "{lift:?}");
    assert!(lift.low < lift.ratio && lift.ratio < lift.high);
    assert!(lift.low > 1.0, "{lift:?}");
    let small = Lift::of(200, 12, 2_000, 100).expect("a lift");
    assert!(small.low < 1.0, "twelve clicks prove nothing: {small:?}");
    assert_eq!(Lift::of(2_000, 9, 20_000, 300), None);
    assert_eq!(Lift::of(2_000, 60, 0, 0), None);
    assert_eq!(Lift::of(0, 60, 20_000, 300), None);
}

// ---- meaning ---------------------------------------------------------------------------------

/// Puts texts that hold one of the markers close together, all others elsewhere.
struct Markers([&'static str; 2]);

impl TextVectors for Markers {
    fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        let holds = |text: &str| self.0.iter().any(|marker| text.contains(marker));
        texts.iter().map(|text| if holds(text) { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect()
    }
}

/// A model that answers against its contract.
struct Broken(fn(usize) -> Vec<Vec<f32>>);

impl TextVectors for Broken {
    fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        (self.0)(texts.len())
    }
}

#[test]
fn vectors_bring_a_case_up_whose_words_are_far_from_the_brief() {
    let library = library();
    let brief = bench("tent-en");
    let far = "en.drama.three_alibis";
    let model = Markers([brief.audience.description.clone().leak(), "Three people, three sentences"]);
    let place = |query: &Query<'_>| {
        let found = library.find(query);
        assert!(found.iter().all(|found| (found.by == By::WordsAndVectors) == query.vectors.is_some()));
        found.iter().position(|found| found.source.id() == far).expect("the whole library is found")
    };
    let without = place(&Query::new(&brief, 500));
    let with = place(&Query { vectors: Some(&model), ..Query::new(&brief, 500) });
    assert!(with < without, "{with} {without}");
}

#[test]
fn a_model_that_breaks_its_contract_is_not_believed() {
    let library = library();
    let brief = coffee_en();
    let plain = library.find(&Query::new(&brief, 5));
    let broken = [
        Broken(|_| Vec::new()),
        Broken(|n| vec![vec![1.0]; n.saturating_sub(1)]),
        Broken(|n| vec![Vec::new(); n]),
        Broken(|n| vec![vec![f32::NAN]; n]),
        Broken(|n| (0..n).map(|at| vec![1.0; 1 + at % 2]).collect()),
    ];
    for model in &broken {
        let found = library.find(&Query { vectors: Some(model), ..Query::new(&brief, 5) });
        assert_eq!(found, plain);
    }
}

// ---- scripts ---------------------------------------------------------------------------------

#[test]
fn a_script_learns_from_a_case_of_its_structure_and_language() {
    for brief in all() {
        for structure in Structure::ALL {
            let id = for_script(&brief, structure).expect("a case of every structure");
            let case = Library::builtin().case(&id).expect("an authored case");
            assert_eq!(case.structure, structure);
            assert_eq!(case.language, super::Language::of(brief.locale));
        }
    }
}

#[test]
fn what_a_prompt_shows_of_a_case_are_its_lines_in_order() {
    let library = library();
    let case = library.case("en.restaurant.ticket_on_the_pass").expect("a case of ours");
    let parts = case.note_parts();
    assert_eq!(parts.id, case.id);
    assert_eq!(parts.structure, Some(Structure::PlaceDishDeal));
    assert_eq!(parts.lines.len(), case.shots.len());
    assert_eq!(parts.lines.first(), case.shots.first().map(|shot| &shot.line));
    assert!(parts.why.starts_with(case.why.first().expect("a reason")));
}

#[test]
fn scripts_of_the_copy_engine_say_which_case_they_learned_from() {
    for brief in all() {
        let generation = crate::fixtures::generation(&brief, 4, 7);
        assert!(!generation.scripts.is_empty());
        for draft in &generation.scripts {
            let id = draft.script.learned_from.as_deref().expect("a case");
            let case = Library::builtin().case(id).expect("an authored case");
            assert_eq!(Some(case.structure), draft.script.structure);
            assert_eq!(draft.script.lines.first().map(|line| line.role), Some(Role::Hook));
        }
    }
}
