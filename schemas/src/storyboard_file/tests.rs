//! Plans, faults by their paths, and the forms that other programs read.

use super::adcp::{Surroundings, VideoBrief};
use super::{Aspect, AssetKind, StoredAsset, StoredAssets, StoryboardFile};
use crate::storyboard::{Footage, OverlayContent};

const SAMPLE: &[u8] = include_bytes!("../../golden/storyboard-file/v1-1.json");

fn sample() -> StoryboardFile {
    StoryboardFile::from_json(SAMPLE).expect("the sample is valid")
}

fn stored() -> StoredAssets {
    let asset = |name: &str, kind| (name.to_owned(), StoredAsset { hash: format!("hash-of-{name}"), kind });
    StoredAssets {
        named: [asset("cup", AssetKind::Picture), asset("pour", AssetKind::Clip)].into(),
        layers: [("logo".to_owned(), "hash-of-logo".to_owned())].into(),
        backdrops: [("gradient", "hash-of-gradient".to_owned())].into(),
    }
}

/// The sample with one value replaced, as the problem's field and message.
fn problem_with(pointer: &str, value: serde_json::Value) -> (String, String) {
    let mut json: serde_json::Value = serde_json::from_slice(SAMPLE).expect("JSON");
    *json.pointer_mut(pointer).expect("the sample has it") = value;
    let text = serde_json::to_vec(&json).expect("serializes");
    let problem = StoryboardFile::from_json(&text).expect_err("it is refused");
    (problem.field, problem.message)
}

#[test]
fn every_combination_in_every_shape_is_a_plan() {
    let plans = sample().compile(&stored()).expect("compiles");
    let names: Vec<(&str, Aspect)> = plans.iter().map(|plan| (plan.variant.as_str(), plan.aspect)).collect();
    let expected = [
        ("steam", Aspect::Vertical),
        ("steam", Aspect::Square),
        ("pour", Aspect::Vertical),
        ("pour", Aspect::Square),
    ];
    assert_eq!(names, expected);
    let [steam, _, pour, _] = plans.as_slice() else { panic!("four plans") };
    assert_eq!(steam.storyboard.shots[1..], pour.storyboard.shots[1..]);
    let Some(Footage::Generated(wanted)) = &steam.storyboard.shots[0].footage else { panic!("generated") };
    assert_eq!(wanted.first_frame.as_deref(), Some("hash-of-cup"));
    assert_eq!(wanted.references[0].artifact, "hash-of-cup");
    let clip = Footage::Clip { clip: "hash-of-pour".to_owned(), start_frame: 12, product: Vec::new() };
    assert_eq!(pour.storyboard.shots[0].footage, Some(clip));
    let shows: Vec<&OverlayContent> =
        steam.storyboard.shots[1].overlays.iter().map(|overlay| &overlay.shows).collect();
    assert!(matches!(shows[1], OverlayContent::Image { picture, .. } if picture == "hash-of-logo"));
    assert_eq!(steam.storyboard.shots[2].picture, "hash-of-gradient");
    assert_eq!(steam.storyboard.shots[2].disclaimer, "Picture of a serving suggestion.");
    assert!(steam.storyboard.shots[0].ai_label && !steam.storyboard.shots[1].ai_label);
}

#[test]
fn faults_are_named_by_their_path() {
    let hook = "/slots/0/options/0/shots/0";
    let cases = [
        (
            format!("{hook}/source/first_frame"),
            serde_json::json!("pour"),
            "slots[0].options[0].shots[0].source.first_frame",
        ),
        (
            format!("{hook}/source/prompt"),
            serde_json::json!("@mug"),
            "slots[0].options[0].shots[0].source.prompt",
        ),
        (format!("{hook}/frames"), serde_json::json!(0), "slots[0].options[0].shots[0].frames"),
        ("/assets/cup/file".to_owned(), serde_json::json!("../cup.png"), "assets.cup.file"),
        ("/fps".to_owned(), serde_json::json!(61), "fps"),
        ("/aspects".to_owned(), serde_json::json!(["1:1", "1:1"]), "aspects"),
        ("/placement".to_owned(), serde_json::json!("meta_feed"), "aspects[0]"),
        ("/slots/1/slot".to_owned(), serde_json::json!("hook"), "slots[1].slot"),
        ("/audio/tempo".to_owned(), serde_json::json!(20), "audio.tempo"),
    ];
    for (pointer, value, field) in cases {
        assert_eq!(problem_with(&pointer, value).0, field);
    }
    let (field, message) = problem_with("/slots/1/options/0/shots/0/layout", serde_json::json!("mosaic"));
    assert_eq!(field, "slots[1].options[0].shots[0].layout");
    assert!(message.contains("mosaic"), "{message}");
}

#[test]
fn overlays_are_checked_when_a_file_is_compiled() {
    let mut file = sample();
    file.slots[1].options[0].shots[0].overlays[0].start = 105;
    let problem = file.compile(&stored()).expect_err("it begins when the shot has ended");
    assert_eq!(problem.field, "slots[1].options[0].shots[0].overlays[0].start");
}

#[test]
fn too_many_combinations_ask_for_a_list() {
    let mut file = sample();
    let option = file.slots[0].options[0].clone();
    for slot in &mut file.slots {
        slot.options = (0..16).map(|n| super::SlotOption { id: format!("o{n}"), ..option.clone() }).collect();
    }
    let problem = file.validate().expect_err("4,096 variants");
    assert_eq!(problem.field, "slots");
    file.variants = vec![super::Pick {
        id: "one".to_owned(),
        options: ["hook", "body", "cta"].map(|slot| (slot.to_owned(), "o3".to_owned())).into(),
    }];
    file.validate().expect("a list says which");
}

#[test]
fn yaml_and_json_read_alike() {
    let yaml = serde_saphyr::to_string(&sample()).expect("serializes");
    assert_eq!(StoryboardFile::from_yaml(yaml.as_bytes()).expect("reads"), sample());
}

#[test]
fn a_video_brief_goes_both_ways_without_drift() {
    let text = r#"{"segments":[
        {"order":2,"duration_ms":1717,"prompt":"the cup","caption":"Fresh"},
        {"order":1,"duration_ms":1717,"prompt":"steam rises","vo":"Good morning"},
        {"order":3,"duration_ms":1717,"prompt":"the bag"}]}"#;
    let brief: VideoBrief = serde_json::from_str(text).expect("reads");
    let sample = sample();
    let around = Surroundings {
        id: "imported".to_owned(),
        locale: sample.locale,
        fps: 30,
        placement: sample.placement,
        brand_kit: sample.brand_kit.clone(),
        assets: sample.assets,
        fall_back: "cup".to_owned(),
    };
    let file = brief.into_file(around).expect("imports");
    let frames: Vec<u32> = file.slots.iter().map(|slot| slot.options[0].shots[0].frames).collect();
    // 5.151 s are 154.5 frames; each end is the nearest frame.
    assert_eq!(frames, [52, 51, 52]);
    let back = file.to_video_brief("imported").expect("exports").expect("the one variant");
    let prompts: Vec<&str> = back.segments.iter().map(|segment| segment.prompt.as_str()).collect();
    assert_eq!(prompts, ["steam rises", "the cup", "the bag"]);
    assert_eq!(back.segments.iter().map(|segment| segment.duration_ms).sum::<u64>(), 5_167);
    assert_eq!(back.segments[0].vo.as_deref(), Some("Good morning"));
    assert_eq!(file.to_video_brief("other").expect("valid"), None);
}

#[test]
fn a_video_brief_with_two_equal_places_is_refused() {
    let brief: VideoBrief = serde_json::from_str(
        r#"{"segments":[{"order":1,"duration_ms":9,"prompt":"a"},{"order":1,"duration_ms":9,"prompt":"b"}]}"#,
    )
    .expect("reads");
    let sample = sample();
    let around = Surroundings {
        id: "imported".to_owned(),
        locale: sample.locale,
        fps: 30,
        placement: sample.placement,
        brand_kit: sample.brand_kit.clone(),
        assets: sample.assets,
        fall_back: "cup".to_owned(),
    };
    assert_eq!(brief.into_file(around).expect_err("refused").field, "segments[1].order");
}

#[test]
fn a_timeline_keeps_frames_and_names_files() {
    let timeline = sample().to_otio("pour").expect("exports").expect("a variant");
    let clips = timeline["tracks"]["children"][0]["children"].as_array().expect("clips");
    assert_eq!(clips.len(), 3);
    assert_eq!(clips[0]["source_range"]["start_time"]["value"], 12.0);
    assert_eq!(clips[0]["source_range"]["duration"]["value"], 75.0);
    assert_eq!(clips[0]["media_references"]["DEFAULT_MEDIA"]["target_url"], "pour.mp4");
    assert_eq!(clips[2]["media_references"]["DEFAULT_MEDIA"]["OTIO_SCHEMA"], "GeneratorReference.1");
    assert_eq!(clips[1]["markers"][0]["name"], "Roasted the morning it ships");
}
