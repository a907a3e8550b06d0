//! The brief and the request that the unit tests of this crate speak about.

use spotwright_core::ports::language_model::LineRequest;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::script::{Angle, Direction, Hook, Role};

const BRIEF: &str = include_str!("../tests/data/morning-roast.yaml");

pub(crate) fn brief() -> Brief {
    Brief::from_yaml(BRIEF.as_bytes()).expect("the sample brief is valid")
}

pub(crate) fn request(brief: &Brief) -> LineRequest<'_> {
    LineRequest {
        brief,
        direction: Direction { angle: Angle::Benefit, hook: Hook::Question },
        role: Role::Hook,
        count: 3,
        max_chars: 40,
        inspiration: &[],
        avoid: &[],
        seed: 7,
    }
}
