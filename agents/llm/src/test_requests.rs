//! The briefs and the request that the unit tests of this crate speak about.

use spotwright_core::ports::language_model::{LineLimits, ScriptRequest, ScriptWish};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::script::{Angle, Direction, Hook, Structure};

const BRIEF: &str = include_str!("../tests/data/morning-roast.yaml");
const CHINESE: &str = include_str!("../../../examples/coffee-zh/brief.yaml");

pub(crate) const WISHES: [ScriptWish; 2] = [
    ScriptWish {
        structure: Structure::ProblemSolution,
        direction: Direction { angle: Angle::Problem, hook: Hook::Question },
    },
    ScriptWish {
        structure: Structure::OfferFirst,
        direction: Direction { angle: Angle::Offer, hook: Hook::Number },
    },
];

/// A script for the first wish that may be used as it is.
pub(crate) const SCRIPT: &str = r#"{"number":1,"structure":"problem_solution",
    "idea":"Who dreads the first sip finds one that is smooth","learned_from":"",
    "lines":[
        {"role":"hook","caption":"Bitter again?","detail":"","voice":"Bitter again?","picture":"a face","rests_on":["bitter"]},
        {"role":"body","caption":"Morning Roast is smooth","detail":"","voice":"Morning Roast is smooth.","picture":"the cup","rests_on":["smooth"]},
        {"role":"proof","caption":"9 of 10 tasters drank a second cup","detail":"","voice":"","picture":"","rests_on":["panel"]},
        {"role":"cta","caption":"$12.50 for 250 g","detail":"20% off the first order","voice":"Order now.","picture":"","rests_on":["price","offer"]}],
    "primary_text":"Bitter again? Morning Roast is smooth. $12.50 for 250 g."}"#;

pub(crate) fn brief() -> Brief {
    Brief::from_yaml(BRIEF.as_bytes()).expect("the sample brief is valid")
}

pub(crate) fn chinese_brief() -> Brief {
    Brief::from_yaml(CHINESE.as_bytes()).expect("the example is valid")
}

pub(crate) fn request(brief: &Brief) -> ScriptRequest<'_> {
    ScriptRequest {
        brief,
        wishes: &WISHES,
        limits: LineLimits { hook: 48, inner: 56, close: 64, detail: 72, voice: 180, primary_text: 220 },
        offer_phrases: &[],
        cases: &[],
        lessons: &[],
        parents: &[],
        avoid: &[],
        revisions: &[],
        seed: 7,
    }
}
