//! Small, valid values of the domain, made from numbers.

use jiff::Timestamp;
use serde_json::json;
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, Stage};
use spotwright_core::domain::topology::{StepKind, consumer_of};
use spotwright_core::domain::variant::{Placement, Variant, VariantBody, VariantState};
use spotwright_core::domain::withdrawal::{Change, Price, Withdrawal};
use spotwright_core::ports::marketplace::{
    CampaignCourse, CreativeDelivery, MarketReport, PacePoint, PriceQuantile,
};
use spotwright_core::ports::step_store::{
    Commit, LedgerEntry, LedgerKind, NewStep, OutboxMessage, RunUpdate, TraceEntry,
};
use spotwright_schemas::brief::{Brief, FactId};
use spotwright_schemas::event::{
    ContentType, CreativeRequested, Event, FeedbackSource, Payload, SpecVersion,
};
use spotwright_schemas::ids::{MessageId, OrganizationId, PlacementId, RunId, VariantId};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::mode::Mode;
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::{Delivery, Score};
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::{Angle, Direction, Hook, Line, Provenance, Role, Script};
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, Color, FrameSize, Layout, Motion, Packshots, Palette, Shot, Storyboard, VisualStyle,
};

/// A valid brief.
///
/// # Panics
/// Never: the text is fixed.
#[must_use]
pub fn brief() -> Brief {
    let text = json!({
        "format": "spotwright.brief.v1",
        "id": "hill-tea",
        "locale": "en-US",
        "brand": { "name": "Hill", "colors": { "primary": "#102030", "accent": "#F0E0D0" } },
        "product": {
            "name": "Hill tea",
            "category": "tea",
            "facts": [{
                "id": "picked",
                "kind": "feature",
                "text": "picked by hand",
                "evidence": { "source": "grower's log 2026" }
            }],
            "pictures": [{ "file": "tea.png", "alt": "a cup of tea" }]
        },
        "audience": { "description": "people who drink tea" },
        "objective": "clicks",
        "budget": { "total": "10.00", "currency": "USD" },
        "destination_url": "https://example.com/tea",
        "call_to_action": "shop_now",
        "placements": ["simulated_feed"]
    });
    Brief::from_json(text.to_string().as_bytes()).expect("the fixture is a valid brief")
}

/// A run with a budget of ten micros. Runs of all seeds belong to one organization.
#[must_use]
pub fn run(seed: u64) -> NewRun {
    NewRun {
        id: RunId::derive(seed, "run", 0),
        organization: organization(),
        request: RunRequest {
            brief: brief(),
            pictures: Vec::new(),
            generations: 2,
            variants: 4,
            winners: 2,
            seed,
            opportunities: 1000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
        budget: Micros(10),
    }
}

/// The organization of all fixtures.
#[must_use]
pub fn organization() -> OrganizationId {
    OrganizationId::derive(1, "organization", 0)
}

/// A change of a run's row to a generation.
#[must_use]
pub fn update(stage: Stage, generation: u32) -> RunUpdate {
    RunUpdate { stage, generation, state: json!({ "seen": generation, "share": 0.1 + 0.2 }) }
}

/// A step whose input is its key.
#[must_use]
pub fn step(kind: StepKind, key: &str) -> NewStep {
    NewStep { kind, key: key.to_owned(), input: json!({ "key": key }) }
}

/// A commit that only creates steps.
#[must_use]
pub fn steps(kind: StepKind, keys: &[&str]) -> Commit {
    Commit { steps: keys.iter().map(|key| step(kind, key)).collect(), ..Commit::default() }
}

/// A commit that only moves money.
#[must_use]
pub fn money(kind: LedgerKind, reference: &str, amount: i64) -> Commit {
    let entry = LedgerEntry { kind, reference: reference.to_owned(), amount: Micros(amount) };
    Commit { ledger: vec![entry], ..Commit::default() }
}

/// Message number `sequence` of a run.
#[must_use]
pub fn event(run: RunId, sequence: u64) -> Event {
    Event {
        specversion: SpecVersion::V1,
        id: MessageId::child_of(run.0, "message", sequence),
        source: "/spotwright/testkit".to_owned(),
        subject: run,
        time: Timestamp::UNIX_EPOCH,
        datacontenttype: ContentType::Json,
        organization: organization(),
        mode: Mode::Live,
        sequence,
        payload: Payload::CreativeRequested(CreativeRequested {
            brief: "hill-tea".to_owned(),
            generations: 2,
            variants: 4,
        }),
    }
}

/// A commit that only writes messages with these numbers.
#[must_use]
pub fn messages(run: RunId, sequence: impl IntoIterator<Item = u64>) -> Commit {
    Commit { messages: sequence.into_iter().map(|number| event(run, number)).collect(), ..Commit::default() }
}

/// Message number `sequence` of a run as it lies in the outbox.
#[must_use]
pub fn outbox_message(run: RunId, sequence: u64) -> OutboxMessage {
    let event = event(run, sequence);
    OutboxMessage { id: event.id, consumer: consumer_of(&event.payload).to_owned(), event }
}

/// A variant of a run; `passed` when it won.
#[must_use]
pub fn variant(run: RunId, generation: u32, number: u32, state: VariantState) -> Variant {
    let won = state == VariantState::Won;
    Variant {
        id: VariantId::child_of(run.0, "variant", u64::from(generation) * 1000 + u64::from(number)),
        run,
        generation,
        number,
        state,
        final_gate: won.then_some(true),
        body: VariantBody {
            script: script(),
            storyboard: storyboard(),
            parents: Vec::new(),
            preview: None,
            score: Some(Score {
                appeal: 0.1 + 0.2,
                appeal_sd: 1.0 / 3.0,
                level: -1.234_567_890_123_456_7,
                predicted_ctr: 0.012_345_678_901_234_567,
                interval: [1e-300, 0.999_999_999_999_999_9],
                model: "fixture".to_owned(),
            }),
            selected_because: None,
            final_render: None,
            failure: None,
            withdrawal: None,
            voice: None,
        },
    }
}

/// Why a variant was withdrawn.
#[must_use]
pub fn withdrawal() -> Withdrawal {
    let price = |amount| Price { amount: Micros(amount), currency: Some("USD".to_owned()) };
    Withdrawal {
        product: "T1".to_owned(),
        title: "Hill tea".to_owned(),
        source: "feed.csv, line 2".to_owned(),
        change: Change::Price { old: price(18_000_000), new: Some(price(21_500_000)) },
        line: "Now $18".to_owned(),
        by: "person".to_owned(),
    }
}

/// A placement of a variant in its generation.
#[must_use]
pub fn placement(variant: &Variant) -> Placement {
    Placement {
        id: PlacementId::child_of(variant.id.0, "placement", u64::from(variant.generation)),
        run: variant.run,
        campaign: format!("{}/g{}", variant.run, variant.generation),
        variant: variant.id,
        generation: variant.generation,
        delivery: None,
        observed: false,
        ended: false,
        held: None,
    }
}

/// What became of a placement.
#[must_use]
pub fn delivery(placement: &Placement) -> CreativeDelivery {
    CreativeDelivery {
        placement: placement.id,
        variant: placement.variant,
        delivery: Delivery { impressions: 300, clicks: 7, conversions: 1, spend: Micros(5) },
        segments: Vec::new(),
        ladder: Vec::new(),
        frequency: 0.1 + 0.7,
        fatigued: false,
        auctions: 600,
        won: 310,
    }
}

/// What a market said of a campaign.
#[must_use]
pub fn report() -> MarketReport {
    let price = |quantile, own, market| PriceQuantile {
        quantile,
        own_cpm: Some(Micros(own)),
        market_cpm: Some(Micros(market)),
    };
    let course = CampaignCourse {
        prices: vec![price(0.25, 40, 50), price(0.75, 60, 90)],
        pacing: vec![PacePoint {
            hour: 1.0,
            planned: Micros(4),
            spent: Micros(3),
            won: 310,
            impressions: 300,
        }],
    };
    MarketReport {
        source: FeedbackSource::Simulated,
        marketplace: "fixture".to_owned(),
        audience: String::new(),
        auctions: 1_000,
        won: 310,
        competitors: 20,
        mean_cpm: Micros(17),
        budget: Micros(8),
        creatives: Vec::new(),
        holds: Vec::new(),
        course: Some(course),
    }
}

/// A line of a trace.
#[must_use]
pub fn trace(order: &str) -> TraceEntry {
    TraceEntry {
        order: order.to_owned(),
        generation: 1,
        what: "fixture".to_owned(),
        variant: None,
        detail: json!({ "order": order }),
    }
}

fn script() -> Script {
    let line = |role, caption: &str| Line {
        role,
        caption: caption.to_owned(),
        detail: String::new(),
        voice: String::new(),
        picture: String::new(),
        rests_on: vec![FactId::new("picked")],
        provenance: Provenance {
            provider: "fixture".to_owned(),
            model: "fixture".to_owned(),
            prompt_hash: String::new(),
            fallback: false,
        },
    };
    Script {
        locale: Locale::EnUs,
        direction: Direction { angle: Angle::Benefit, hook: Hook::Statement },
        structure: None,
        idea: String::new(),
        learned_from: None,
        lines: vec![line(Role::Hook, "Picked by hand"), line(Role::Cta, "Taste it")],
        primary_text: "Tea that is picked by hand".to_owned(),
    }
}

fn storyboard() -> Storyboard {
    Storyboard {
        locale: Locale::EnUs,
        size: FrameSize { width: 720, height: 1280 },
        fps: 30,
        palette: Palette { primary: Color { r: 16, g: 32, b: 48 }, accent: Color { r: 240, g: 224, b: 208 } },
        style: VisualStyle::default(),
        packshots: Packshots::default(),
        placement: PlacementKind::SimulatedFeed,
        names: Vec::new(),
        shots: vec![Shot {
            role: Role::Hook,
            frames: 60,
            layout: Layout::FullBleed,
            picture: "tea.png".to_owned(),
            motion: Motion::PushIn,
            caption: "Picked by hand".to_owned(),
            detail: String::new(),
            footage: None,
            caption_motion: CaptionMotion::SlideUp,
            button: String::new(),
            brand: "Hill".to_owned(),
            disclaimer: String::new(),
            ai_label: true,
            overlays: Vec::new(),
            voice: None,
        }],
        audio: Audio { seed: 1, tempo: 100, loudness_lufs: -14.0 },
    }
}
