//! More than a hundred texts that try to give orders: wherever they stand in a request, the rules stay
//! what they are and the texts stay data; and where a model obeys them and writes them down, nothing of
//! them that does harm comes through.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use serde_json::{Value, json};
use spotwright_core::ports::language_model::{CaseNote, LineLimits, Revision, ScriptRequest, ScriptWish};
use spotwright_llm::answer::{AnswerError, parse};
use spotwright_llm::prompt::{CANARY, Prompt};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::script::{Angle, Direction, Hook, Structure};

const ENGLISH: &str = include_str!("data/morning-roast.yaml");
const CHINESE: &str = include_str!("../../../examples/coffee-zh/brief.yaml");

const WISHES: [ScriptWish; 1] = [ScriptWish {
    structure: Structure::ProblemSolution,
    direction: Direction { angle: Angle::Problem, hook: Hook::Scene },
}];

fn brief(language: &str) -> Brief {
    let text = if language == "zh" { CHINESE } else { ENGLISH };
    Brief::from_yaml(text.as_bytes()).unwrap()
}

fn texts(language: &str) -> Vec<String> {
    let all: Value = serde_json::from_str(include_str!("data/injections.json")).unwrap();
    serde_json::from_value(all[language].clone()).unwrap()
}

fn request(brief: &Brief) -> ScriptRequest<'_> {
    ScriptRequest {
        brief,
        wishes: &WISHES,
        limits: LineLimits { hook: 200, inner: 200, close: 200, detail: 200, voice: 200, primary_text: 220 },
        offer_phrases: &[],
        cases: &[],
        lessons: &[],
        parents: &[],
        avoid: &[],
        revisions: &[],
        seed: 1,
    }
}

#[test]
fn there_are_more_than_a_hundred() {
    assert!(texts("en").len() + texts("zh").len() >= 100);
}

#[test]
fn wherever_an_order_stands_the_rules_stay_and_it_is_data() {
    for language in ["en", "zh"] {
        let clean = brief(language);
        let rules = Prompt::new(&request(&clean)).system;
        for text in texts(language) {
            let mut brief = brief(language);
            brief.audience.description.clone_from(&text);
            brief.product.category.clone_from(&text);
            brief.product.facts[0].text.clone_from(&text);
            brief.brand.tone_examples = vec![text.clone()];
            let told = [text.clone()];
            let cases = [CaseNote {
                id: text.clone(),
                title: text.clone(),
                structure: Structure::OfferFirst,
                why: text.clone(),
                lines: vec![text.clone()],
            }];
            let revisions = [Revision { wish: 0, script: None, findings: vec![text.clone()] }];
            let request = ScriptRequest {
                lessons: &told,
                avoid: &told,
                offer_phrases: &told,
                cases: &cases,
                revisions: &revisions,
                ..request(&brief)
            };
            let prompt = Prompt::new(&request);
            assert_eq!(prompt.system, rules, "{text}");
            assert_eq!(prompt.user.matches("<data>").count(), 1, "{text}");
            assert_eq!(prompt.user.matches("</data>").count(), 1, "{text}");
            assert!(!prompt.user.contains("<script") && !prompt.user.contains("<|im_"), "{text}");
            let (_, data) = prompt.user.split_once("<data>\n").unwrap();
            let (data, _) = data.split_once("\n</data>").unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            for place in [
                &data["audience"],
                &data["lessons"][0],
                &data["avoid"][0],
                &data["offer"][0],
                &data["cases"][0]["why"],
                &data["revise"][0]["wrong"][0],
                &data["brand"]["tone_examples"][0],
            ] {
                assert_eq!(place, &json!(text));
            }
        }
    }
}

/// What must not reach an audience, in the forms a screen would show it.
fn does_harm(text: &str) -> bool {
    let plain: String =
        text.chars().map(spotwright_schemas::wording::half_width).collect::<String>().to_lowercase();
    let marks = ["http", "www.", "://", "<", ">", "{", "}", "@", "#", "`", "\\", "|", "evil.example"];
    marks.iter().any(|mark| plain.contains(mark))
        || plain.contains(CANARY)
        || plain.contains("kestrel")
        || plain
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'))
}

#[test]
fn what_an_obedient_model_writes_down_does_no_harm_or_does_not_come_through() {
    for language in ["en", "zh"] {
        let brief = brief(language);
        let request = request(&brief);
        let name = brief.spoken_name();
        let fact = brief.product.facts.iter().find(|fact| fact.kind.needs_evidence()).unwrap();
        let opening = if language == "zh" { "出门前，先喝一口" } else { "Before the door, a sip" };
        let mut refused = 0;
        for text in texts(language) {
            for place in ["caption", "detail", "voice", "picture"] {
                let mut middle = json!({"role": "body", "caption": name, "detail": "", "voice": "",
                    "picture": "", "rests_on": []});
                middle[place] = json!(text);
                let answer = json!({"scripts": [{
                    "number": 1, "structure": "problem_solution", "idea": "", "learned_from": "",
                    "lines": [
                        {"role": "hook", "caption": opening, "rests_on": []},
                        middle,
                        {"role": "body", "caption": fact.text, "rests_on": [fact.id]},
                        {"role": "cta", "caption": brief.call_to_action.label(brief.locale), "rests_on": []},
                    ],
                    "primary_text": fact.text,
                }]});
                match parse(&answer.to_string(), &request, "m") {
                    Ok(answer) => {
                        for line in &answer.scripts[0].lines {
                            for shown in [&line.caption, &line.detail, &line.voice, &line.picture] {
                                assert!(!does_harm(shown), "{place}: {shown}");
                            }
                        }
                    }
                    Err(AnswerError::NoUsableScript(reasons)) => {
                        assert!(!reasons[0].to_string().is_empty());
                        refused += 1;
                    }
                    Err(error) => panic!("{text}: {error}"),
                }
            }
        }
        assert!(refused > texts(language).len(), "{refused}");
    }
}
