//! The copy engine as a writer behind the port, and how much text fits a line.
//!
//! [`crate::copywriter`] writes; this module gives it the form of every other writer, for where one is
//! asked through [`LanguageModel`]. No weights, no network, no cost.

use async_trait::async_trait;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, LineLimits, ProposedLine, ProposedScript, ProposedScripts,
    ScriptRequest,
};
use spotwright_schemas::locale::{Language, Locale};
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::{Role, Script, Structure};

use crate::copywriter::{Request, write};
use crate::critique::MAX_PRIMARY_TEXT;
use crate::text::reading_speed;

/// The provider's name in provenance.
pub const PROVIDER: &str = "copy_engine";

/// How much text fits a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest caption in characters.
    pub caption: usize,
    /// Longest detail in characters; every fact of a valid brief fits.
    pub detail: usize,
    /// Characters of caption and detail that a viewer can read while the line is on screen.
    pub readable: usize,
}

/// Frames on screen of each role at 30 frames per second, in the order of [`Role::ALL`].
pub const ROLE_FRAMES: [u32; 4] = [105, 135, 105, 105];

/// The limits of a role's line: captions that fit three lines of a vertical video, details that
/// hold the longest fact of a brief.
#[must_use]
pub fn limits(locale: Locale, role: Role) -> Limits {
    let (caption, detail) = match (locale.language(), role) {
        (Language::Chinese, Role::Hook) => (24, 60),
        (Language::Chinese, Role::Body | Role::Proof) => (28, 60),
        (Language::Chinese, Role::Cta) => (48, 60),
        (Language::English, Role::Hook) => (48, 72),
        (Language::English, Role::Body | Role::Proof) => (56, 72),
        (Language::English, Role::Cta) => (64, 72),
    };
    let seconds = f64::from(ROLE_FRAMES[role as usize]) / 30.0;
    Limits { caption, detail, readable: (seconds * reading_speed(locale)) as usize }
}

/// The limits of all lines of a script, as other writers are told them.
#[must_use]
pub fn line_limits(locale: Locale) -> LineLimits {
    LineLimits {
        hook: limits(locale, Role::Hook).caption,
        inner: limits(locale, Role::Body).caption,
        close: limits(locale, Role::Cta).caption,
        detail: limits(locale, Role::Body).detail,
        voice: if locale.is_chinese() { 80 } else { 200 },
        primary_text: MAX_PRIMARY_TEXT,
    }
}

/// The copy engine. It holds no state.
///
/// # Examples
/// ```
/// use spotwright_core::ports::language_model::{ScriptRequest, ScriptWish};
/// use spotwright_creative::copy_engine::{CopyEngine, line_limits};
/// use spotwright_schemas::brief::Brief;
/// use spotwright_schemas::script::{Angle, Direction, Hook, Structure};
///
/// let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml"))?;
/// let wish = ScriptWish {
///     structure: Structure::ProblemSolution,
///     direction: Direction { angle: Angle::Problem, hook: Hook::Statement },
/// };
/// let request = ScriptRequest {
///     brief: &brief,
///     wishes: &[wish],
///     limits: line_limits(brief.locale),
///     offer_phrases: &[],
///     cases: &[],
///     lessons: &[],
///     parents: &[],
///     avoid: &[],
///     revisions: &[],
///     seed: 7,
/// };
/// let scripts = CopyEngine.scripts(&request);
/// assert_eq!(scripts, CopyEngine.scripts(&request));
/// assert!(scripts.iter().all(|script| (4..=7).contains(&script.lines.len())));
/// # Ok::<(), spotwright_schemas::Problem>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CopyEngine;

impl CopyEngine {
    /// A script for every wish, in order; fewer where the facts hold no further different one.
    ///
    /// Deterministic in the request. Cost: under two milliseconds a script.
    #[must_use]
    pub fn scripts(&self, request: &ScriptRequest<'_>) -> Vec<ProposedScript> {
        let structures: Vec<Structure> = request.wishes.iter().map(|wish| wish.structure).collect();
        let scripts = write(&Request {
            brief: request.brief,
            scripts: request.wishes.len(),
            structures: &structures,
            avoid: request.avoid,
            seed: request.seed,
        });
        scripts.iter().enumerate().map(|(wish, script)| proposed(script, wish)).collect()
    }
}

/// A script of the engine in the form of a proposal.
pub(crate) fn proposed(script: &Script, wish: usize) -> ProposedScript {
    let lines = script
        .lines
        .iter()
        .map(|line| ProposedLine {
            role: line.role,
            caption: line.caption.clone(),
            detail: line.detail.clone(),
            voice: line.voice.clone(),
            picture: line.picture.clone(),
            rests_on: line.rests_on.clone(),
        })
        .collect();
    ProposedScript {
        wish,
        // The engine gives every script a structure; scripts of the first version have none.
        structure: script.structure.unwrap_or(Structure::ProblemSolution),
        idea: script.idea.clone(),
        learned_from: None,
        lines,
        primary_text: script.primary_text.clone(),
        model: PROVIDER.to_owned(),
    }
}

#[async_trait]
impl LanguageModel for CopyEngine {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        _: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let scripts = self.scripts(request);
        if scripts.is_empty() {
            let message = "the facts of the brief carry no script".to_owned();
            return Err(LanguageModelError::Unusable(message));
        }
        Ok(ProposedScripts {
            scripts,
            refused: Vec::new(),
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros::ZERO,
        })
    }
}
