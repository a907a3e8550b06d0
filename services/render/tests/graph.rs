//! The shot graph over variants.

use common::{FolderStore, board, shot};
use spotwright_render::graph::{Use, graph};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Footage, Generated, Layout, Storyboard};

#[path = "common/mod.rs"]
mod common;

/// The graph needs no artifacts; the store of the shared fixtures is of no use here.
const _: fn(std::path::PathBuf) -> FolderStore = FolderStore;

/// Three hooks, three bodies, three ends, every combination.
fn variants() -> Vec<Storyboard> {
    let made = |role, layout, text: &'static str, frames| {
        shot(role, layout, &"0".repeat(64), frames, [text, "", "", "晨山", ""])
    };
    let mut variants = Vec::new();
    for hook in ["甲", "乙", "丙"] {
        for body in ["丁", "戊", "己"] {
            for end in ["庚", "辛", "壬"] {
                let shots = vec![
                    made(Role::Hook, Layout::FullBleed, hook, 40),
                    made(Role::Body, Layout::Card, body, 60),
                    made(Role::Cta, Layout::EndCard, end, 50),
                ];
                variants.push(board(Locale::ZhCn, [180, 320], 20, ["#3B2417", "#FFB627"], shots));
            }
        }
    }
    variants
}

#[test]
fn variants_share_their_shots() {
    let graph = graph(&variants(), "fonts").expect("is compiled");
    assert_eq!((graph.uses, graph.shots.len(), graph.saved_shots()), (81, 9, 72));
    assert_eq!((graph.frames, graph.distinct_frames), (27 * 150, 3 * 150));
    assert!(graph.shots.iter().all(|shot| shot.used.len() == 9));
    assert_eq!(graph.shots[0].used[..2], [Use { variant: 0, shot: 0 }, Use { variant: 1, shot: 0 }]);
}

#[test]
fn what_changes_pixels_changes_keys_and_nothing_else_does() {
    let one = variants().swap_remove(0);
    let keys = |board: &Storyboard, fonts: &str| {
        let graph = graph(std::slice::from_ref(board), fonts).expect("is compiled");
        graph.shots.into_iter().map(|shot| shot.key).collect::<Vec<_>>()
    };
    let before = keys(&one, "fonts");
    assert_ne!(before, keys(&one, "other fonts"));
    let mut louder = one.clone();
    louder.audio.loudness_lufs = -16.0;
    assert_eq!(before, keys(&louder, "fonts"));
    let mut clip = one;
    let footage = |clip: &str| Footage::Clip { clip: clip.to_owned(), start_frame: 0, product: Vec::new() };
    clip.shots[1].footage = Some(footage("a"));
    let with_a = keys(&clip, "fonts");
    assert_eq!((&before[0], &before[2]), (&with_a[0], &with_a[2]));
    assert_ne!(before[1], with_a[1]);
    clip.shots[1].footage = Some(footage("b"));
    assert_ne!(keys(&clip, "fonts")[1], with_a[1]);
}

#[test]
fn a_clip_that_nine_variants_share_is_made_once() {
    let mut variants = variants();
    for variant in &mut variants {
        if variant.shots[1].caption == "丁" {
            variant.shots[1].footage = Some(Footage::Generated(Generated {
                prompt: "steam over a cup".to_owned(),
                negative_prompt: String::new(),
                references: Vec::new(),
                first_frame: None,
                last_frame: None,
                seed: 7,
                shows_product: false,
            }));
        }
    }
    let graph = graph(&variants, "fonts").expect("is compiled");
    assert_eq!((graph.clips.len(), graph.clips[0].used.len(), graph.saved_clips()), (1, 9, 8));
    assert_eq!(graph.clips[0].frames, 60);
}
