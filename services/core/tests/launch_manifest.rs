//! The manifest of a launch pack is the golden one.

use std::path::Path;

use serde_json::Value;
use spotwright_core::domain::launch::manifest;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::publish_target::Publication;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::launch::{Disclosure, ExternalRef, PackedFile, Platform};
use spotwright_schemas::outcome::Winners;
use spotwright_schemas::storyboard::FrameSize;

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/golden");
    std::fs::read(folder.join(name)).expect("a golden sample")
}

/// The winner of the golden `winners.json`, made for the golden brief.
fn winner() -> Publication {
    let winners: Winners = serde_json::from_slice(&golden("winners/v1-1.json")).expect("winners");
    let winner = winners.winners[0].clone();
    let place = |platform: &str, account: &str, id: String| ExternalRef {
        platform: platform.to_owned(),
        account: account.to_owned(),
        id,
    };
    Publication {
        run: winners.run,
        brief: Brief::from_json(&golden("brief/v1-1.json")).expect("a brief"),
        variant: winner.variant,
        generation: winner.generation,
        number: winner.number,
        script: winner.script,
        size: FrameSize { width: 1080, height: 1920 },
        video: ArtifactHash(winner.blake3),
        still: ArtifactHash::of(b"a still"),
        score: winner.score,
        placement: winner.placement.id,
        campaign: "campaign".to_owned(),
        source: winner.placement.source,
        delivery: winner.placement.delivery,
        disclosure: Disclosure {
            ai_generated: true,
            label_key: "AIGC".to_owned(),
            label: r#"{"Label":"1"}"#.to_owned(),
            gate_passed: true,
        },
        external_refs: vec![place("spotwright_market", "campaign", winner.placement.id.to_string())],
    }
}

#[test]
fn a_manifest_is_the_golden_one() {
    let winner = winner();
    let file = PackedFile { name: "video.mp4".to_owned(), blake3: winner.video.0.clone(), bytes: 1_048_576 };
    for (platform, sample) in [
        (Platform::MetaReels, "launch-manifest/v1-1.json"),
        (Platform::TiktokFeed, "launch-manifest/v1-2.json"),
    ] {
        let made = serde_json::to_value(manifest(&winner, platform, vec![file.clone()])).expect("JSON");
        let wanted: Value = serde_json::from_slice(&golden(sample)).expect("JSON");
        assert_eq!(made, wanted, "{sample}: {}", serde_json::to_string_pretty(&made).expect("JSON"));
    }
}

#[test]
fn every_platform_gets_texts_within_its_limits_and_numbers_with_their_source() {
    for platform in Platform::ALL {
        let made = manifest(&winner(), platform, Vec::new());
        for text in [Some(&made.primary_text), made.headline.as_ref()].into_iter().flatten() {
            assert!(text.limit.is_none_or(|limit| text.length <= limit), "{text:?}");
            assert_eq!(text.cut, text.whole.is_some());
        }
        let json = serde_json::to_value(&made).expect("JSON");
        assert_eq!(json["results"]["source"], "simulated");
        assert!(made.url.contains("utm_content=") && made.url.contains(&made.variant.to_string()));
    }
}
