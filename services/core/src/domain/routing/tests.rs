//! Routing: single rules by example, the whole by properties.

use proptest::prelude::*;
use spotwright_schemas::storyboard::FrameSize;

use super::*;
use crate::ports::artifacts::ArtifactHash;
use crate::ports::clip_source::{ClipErrorKind, Inputs, Reference, ReferenceKind, RendererClass};

fn request(frames: u32, first_frame: bool) -> ClipRequest {
    ClipRequest {
        task: ClipTask::Generate,
        prompt: "steam".to_owned(),
        negative_prompt: String::new(),
        first_frame: first_frame.then(|| ArtifactHash::of(b"first")),
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 720, height: 1280 },
        frames,
        fps: 30,
        seed: 1,
        sound: false,
    }
}

fn capabilities(abilities: &[Ability], max_seconds: f64) -> Capabilities {
    Capabilities {
        model: "m".to_owned(),
        abilities: abilities.to_vec(),
        inputs: Inputs::EVERYTHING,
        min_seconds: 1.0,
        max_seconds,
        parallel: 1,
        repeatable: false,
        class: RendererClass::Remote,
    }
}

fn licence(excluded: &[&str], revenue_limit_usd: Option<u64>) -> Licence {
    Licence {
        name: "L".to_owned(),
        excluded: excluded.iter().map(|&one| one.to_owned()).collect(),
        revenue_limit_usd,
        read: "2026-11-28".to_owned(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "candidates hold what a source answers")]
fn quote(micros: i64, currency: Currency) -> Result<Quote, ClipError> {
    Ok(Quote { at_most: Micros(micros), currency, prices_of: "2026-11-28".to_owned() })
}

fn terms(territories: &[&str]) -> Terms {
    Terms { territories: territories.iter().map(|&one| one.to_owned()).collect(), ..Terms::default() }
}

/// The reason of the only candidate, or `None` where it is used.
fn reason(
    request: &ClipRequest,
    terms: &Terms,
    capabilities: &Capabilities,
    licence: &Licence,
    quote: Result<Quote, ClipError>,
) -> Option<Reason> {
    let expected = Some(Duration::from_secs(100));
    let candidates = [Candidate { name: "a", capabilities, licence, quote, expected }];
    route(request, terms, &candidates).left_out.pop().map(|left| left.why)
}

#[test]
fn licences_keep_their_territories() {
    let can = capabilities(&[Ability::TextToVideo], 10.0);
    let hunyuan = licence(&["EU", "UK", "KR"], None);
    let why = |places: &[&str]| {
        reason(&request(30, false), &terms(places), &can, &hunyuan, quote(1, Currency::USD))
    };
    assert_eq!(why(&["US", "CN"]), None);
    for place in ["DE", "EU", "GB", "UK", "KR"] {
        let expected = Reason::Territory { licence: "L".to_owned(), territories: vec![place.to_owned()] };
        assert_eq!(why(&["US", place]), Some(expected));
    }
    assert!(matches!(why(&[]), Some(Reason::TerritoryUnknown { .. })));
    let free = licence(&[], None);
    assert_eq!(reason(&request(30, false), &terms(&[]), &can, &free, quote(1, Currency::USD)), None);
}

#[test]
fn a_licence_with_a_revenue_limit_needs_to_know_the_revenue() {
    let can = capabilities(&[Ability::TextToVideo], 10.0);
    let limited = licence(&[], Some(10_000_000));
    let why = |revenue_usd| {
        let terms = Terms { revenue_usd, ..Terms::default() };
        reason(&request(30, false), &terms, &can, &limited, quote(1, Currency::USD))
    };
    assert!(matches!(why(None), Some(Reason::Revenue { .. })));
    assert!(matches!(why(Some(10_000_000)), Some(Reason::Revenue { .. })));
    assert_eq!(why(Some(9_999_999)), None);
}

#[test]
fn each_rule_has_a_reason_with_words() {
    let can = capabilities(&[Ability::TextToVideo], 5.0);
    let free = licence(&[], None);
    let mut terms = terms(&["DE"]);
    let usd = || quote(500_000, Currency::USD);
    let missing = Reason::Ability { missing: vec![Ability::ImageToVideo] };
    assert_eq!(reason(&request(30, true), &terms, &can, &free, usd()), Some(missing.clone()));
    assert_eq!(missing.to_string(), "it does not make a clip that begins with a given picture");
    assert_eq!(reason(&request(150, false), &terms, &can, &free, usd()), None);
    let long = reason(&request(151, false), &terms, &can, &free, usd()).unwrap();
    assert_eq!(long.to_string(), "the shot takes 5.03 s, and its clips have at most 5.00 s");
    let refusal = Err(ClipError::new(ClipErrorKind::BadRequest, "no price is known"));
    let refused = Reason::Refused { message: "no price is known".to_owned() };
    assert_eq!(reason(&request(30, false), &terms, &can, &free, refusal), Some(refused));
    terms.cap = Some((Micros(400_000), Currency::USD));
    let dear = reason(&request(30, false), &terms, &can, &free, usd()).unwrap();
    assert_eq!(dear.to_string(), "it costs up to 0.50 USD, and the cap is 0.40");
    let other = Reason::OtherCurrency { price: Currency::CNY, cap: Currency::USD };
    assert_eq!(reason(&request(30, false), &terms, &can, &free, quote(1, Currency::CNY)), Some(other));
    terms.cap = None;
    terms.deadline = Some(Duration::from_secs(99));
    let late = reason(&request(30, false), &terms, &can, &free, usd()).unwrap();
    assert_eq!(late.to_string(), "it takes about 100 s, and 99 s are left");
    terms.wish = Some(Wish { sources: vec!["b".to_owned()], or_others: false });
    assert_eq!(reason(&request(30, false), &terms, &can, &free, usd()), Some(Reason::NotWished));
}

#[test]
fn what_a_source_leaves_away_is_told_and_one_with_the_sound_asked_for_comes_first() {
    let abilities = [Ability::TextToVideo, Ability::ImageToVideo];
    let frames = Capabilities { inputs: Inputs::NO_PICTURES, ..capabilities(&abilities, 10.0) };
    let mut loud = capabilities(&abilities, 10.0);
    loud.abilities.push(Ability::Sound);
    let mut asked = request(30, true);
    let artifact = ArtifactHash::of(b"back");
    asked.references = vec![Reference { name: "back".to_owned(), kind: ReferenceKind::Picture, artifact }];
    let free = licence(&[], None);
    let candidate = |name, capabilities, micros| Candidate {
        name,
        capabilities,
        licence: &free,
        quote: quote(micros, Currency::USD),
        expected: None,
    };
    let candidates = [candidate("frames", &frames, 1), candidate("loud", &loud, 9)];
    let found = route(&asked, &Terms::default(), &candidates);
    assert_eq!((found.sources, found.left_out.len()), (vec!["frames".to_owned(), "loud".to_owned()], 0));
    let pictures = LeftAway { what: Leavable::Pictures, names: vec!["back".to_owned()] };
    let away = |left_away| vec![LeavesAway { source: "frames".to_owned(), left_away }];
    assert_eq!(found.leaves_away, away(vec![pictures.clone()]));
    asked.sound = true;
    let found = route(&asked, &Terms::default(), &candidates);
    assert_eq!(found.sources, ["loud", "frames"]);
    let sound = LeftAway { what: Leavable::Sound, names: Vec::new() };
    assert_eq!(found.leaves_away, away(vec![pictures, sound]));
}

#[test]
fn reasons_are_read_back_from_json() {
    let why = Reason::Price { at_most: Micros(2), cap: Micros(1), currency: Currency::USD };
    let json = serde_json::to_string(&why).unwrap();
    assert_eq!(json, r#"{"reason":"price","at_most":2,"cap":1,"currency":"USD"}"#);
    assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), why);
}

/// Everything that routing looks at in one source.
#[derive(Debug, Clone)]
struct Sample {
    image: bool,
    seconds: f64,
    excluded: Vec<&'static str>,
    limit: Option<u64>,
    price: Option<i64>,
    currency: Currency,
    expected: Option<u64>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let places = proptest::sample::subsequence(vec!["EU", "UK", "KR", "US"], 0..3);
    let currency = prop_oneof![4 => Just(Currency::USD), 1 => Just(Currency::CNY)];
    let price = proptest::option::weighted(0.9, 0..2_000_000_i64);
    (any::<bool>(), 1.0..15.0, places, any::<bool>(), price, currency, proptest::option::of(1..900_u64))
        .prop_map(|(image, seconds, excluded, limited, price, currency, expected)| Sample {
            image,
            seconds,
            excluded,
            limit: limited.then_some(10_000_000),
            price,
            currency,
            expected,
        })
}

fn some_terms() -> impl Strategy<Value = Terms> {
    let places = proptest::sample::subsequence(vec!["DE", "GB", "KR", "US", "CN"], 0..3);
    let wished = proptest::sample::subsequence(vec!["s0", "s1", "s2", "s3", "nobody"], 0..4).prop_shuffle();
    let wish = proptest::option::of((wished, any::<bool>()));
    let cap = proptest::option::of(0..2_000_000_i64);
    let deadline = proptest::option::of(1..900_u64);
    (places, proptest::option::of(0..20_000_000_u64), cap, deadline, wish).prop_map(
        |(places, revenue_usd, cap, deadline, wish)| Terms {
            territories: places.into_iter().map(str::to_owned).collect(),
            revenue_usd,
            cap: cap.map(|cap| (Micros(cap), Currency::USD)),
            deadline: deadline.map(Duration::from_secs),
            wish: wish.map(|(sources, or_others)| Wish {
                sources: sources.into_iter().map(str::to_owned).collect(),
                or_others,
            }),
        },
    )
}

proptest! {
    #[test]
    fn routes_are_complete_lawful_and_independent_of_the_order_of_sources(
        samples in proptest::collection::vec(sample(), 0..6),
        terms in some_terms(),
        frames in 1..600_u32,
        first_frame in any::<bool>(),
        turn in 0..6_usize,
    ) {
        let request = request(frames, first_frame);
        let names: Vec<String> = (0..samples.len()).map(|index| format!("s{index}")).collect();
        let parts: Vec<(Capabilities, Licence)> = samples.iter().map(|sample| {
            let can: &[Ability] = if sample.image {
                &[Ability::TextToVideo, Ability::ImageToVideo]
            } else {
                &[Ability::TextToVideo]
            };
            (capabilities(can, sample.seconds), licence(&sample.excluded, sample.limit))
        }).collect();
        let mut candidates: Vec<Candidate<'_>> = samples.iter().zip(&parts).zip(&names).map(
            |((sample, (capabilities, licence)), name)| Candidate {
                name,
                capabilities,
                licence,
                quote: sample.price.map_or_else(
                    || Err(ClipError::new(ClipErrorKind::BadRequest, "no")),
                    |price| quote(price, sample.currency),
                ),
                expected: sample.expected.map(Duration::from_secs),
            },
        ).collect();
        let found = route(&request, &terms, &candidates);

        // Each source once, used or left out with words.
        let mut all: Vec<&str> = found.sources.iter().map(String::as_str).collect();
        all.extend(found.left_out.iter().map(|left| left.source.as_str()));
        all.sort_unstable();
        prop_assert_eq!(all, names.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert!(found.left_out.iter().all(|left| !left.words.is_empty()));

        // What is used breaks no rule.
        let index = |name: &str| names.iter().position(|other| other == name).unwrap();
        for name in &found.sources {
            let sample = &samples[index(name)];
            let price = sample.price.unwrap();
            prop_assert!(!first_frame || sample.image);
            prop_assert!(request.seconds() <= sample.seconds + TOLERANCE_SECONDS);
            for place in &terms.territories {
                let of_licence = match place.as_str() { "DE" => "EU", "GB" => "UK", other => other };
                prop_assert!(!sample.excluded.contains(&of_licence));
            }
            prop_assert!(terms.cap.is_none_or(|(cap, currency)| price <= cap.0 && currency == sample.currency));
            if let (Some(expected), Some(left)) = (sample.expected, terms.deadline) {
                prop_assert!(expected <= left.as_secs());
            }
        }

        // Wished ones first and in their order; the rest by price within a currency.
        let places: Vec<usize> = found.sources.iter().map(|name| rank(&terms, name)).collect();
        prop_assert!(places.is_sorted());
        for pair in found.sources.windows(2) {
            let (a, b) = (&samples[index(&pair[0])], &samples[index(&pair[1])]);
            if rank(&terms, &pair[0]) == rank(&terms, &pair[1]) && a.currency == b.currency {
                prop_assert!(a.price <= b.price);
            }
        }

        // The order in which sources are configured decides nothing.
        if !candidates.is_empty() {
            let turns = turn % candidates.len();
            candidates.rotate_left(turns);
        }
        prop_assert_eq!(route(&request, &terms, &candidates).sources, found.sources);
    }
}
