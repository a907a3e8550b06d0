//! Openings of a language model too small for whole scripts: it gets scripts of the copy engine and
//! proposes another first line for each. What passes takes the place of the engine's; the other lines
//! stay the engine's, and say so.

use spotwright_core::ports::language_model::{MAX_SCRIPTS, ProposedScript, Revision, ScriptWish};
use spotwright_schemas::letters::composed;
use spotwright_schemas::script::{Provenance, Script};

use super::{Desk, Dropped, rules};
use crate::copy_engine::proposed;
use crate::critique::{Finding, Severity};

impl Desk<'_> {
    /// Asks for another opening of every script.
    pub(super) async fn open_anew(&mut self) {
        let count = self.generation.scripts.len();
        for (from, call) in (0..count).step_by(MAX_SCRIPTS).zip(1..) {
            let part = from..(from + MAX_SCRIPTS).min(count);
            let scripts: Vec<Script> = self.accepted().into_iter().skip(from).take(MAX_SCRIPTS).collect();
            let given: Vec<ProposedScript> =
                scripts.iter().enumerate().map(|(wish, script)| proposed(script, wish)).collect();
            let wishes: Vec<ScriptWish> = given
                .iter()
                .zip(&scripts)
                .map(|(given, script)| ScriptWish { structure: given.structure, direction: script.direction })
                .collect();
            let revisions: Vec<Revision> = given
                .into_iter()
                .map(|given| Revision { wish: given.wish, script: Some(given), findings: Vec::new() })
                .collect();
            let key = self.key(&format!("openings-{call}"));
            let answer = self.ask(key, &wishes, &revisions).await.ok();
            for (wish, at) in part.enumerate() {
                let opened = answer.as_ref().and_then(|answer| {
                    let found = answer.scripts.iter().find(|script| script.wish == wish)?;
                    Some((found, answer.prompt_hash.as_str()))
                });
                let taken =
                    opened.is_some_and(|(opened, prompt_hash)| self.take_opening(at, opened, prompt_hash));
                if !taken {
                    self.mark_opening(at);
                }
            }
        }
    }

    /// Puts the proposed opening into the script where the whole then passes every rule.
    fn take_opening(&mut self, at: usize, opened: &ProposedScript, prompt_hash: &str) -> bool {
        let Some(draft) = self.generation.scripts.get(at) else { return false };
        let (number, before) = (draft.number, draft.script.clone());
        let provenance = Provenance {
            provider: self.model.provider().to_owned(),
            model: opened.model.clone(),
            prompt_hash: prompt_hash.to_owned(),
            fallback: false,
        };
        let Some(script) = with_opening(&before, opened, provenance) else { return false };
        let others: Vec<Script> = self
            .generation
            .scripts
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, draft)| draft.script.clone())
            .collect();
        let findings: Vec<Finding> =
            rules::findings(self.request.brief, &script, &others, self.request.avoid, self.letters);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            self.generation.dropped.push(Dropped {
                number,
                revision: 0,
                direction: before.direction,
                role: script.lines.first().map(|line| line.role),
                caption: script.lines.first().map(|line| line.caption.clone()).unwrap_or_default(),
                findings,
            });
            return false;
        }
        if let Some(draft) = self.generation.scripts.get_mut(at) {
            draft.script = script;
            draft.warnings = findings;
        }
        true
    }

    /// Says of the engine's opening that another writer was asked for it first.
    fn mark_opening(&mut self, at: usize) {
        let draft = self.generation.scripts.get_mut(at);
        if let Some(line) = draft.and_then(|draft| draft.script.lines.first_mut()) {
            line.provenance.fallback = true;
        }
    }
}

/// The script with another first line, also where its idea and the text beside the video quote it.
fn with_opening(before: &Script, opened: &ProposedScript, provenance: Provenance) -> Option<Script> {
    let (old, new) = (before.lines.first()?, opened.lines.first()?);
    let mut script = before.clone();
    let line = script.lines.first_mut()?;
    line.caption = composed(&new.caption);
    line.detail = composed(&new.detail);
    line.voice = composed(&new.voice);
    line.rests_on.clone_from(&new.rests_on);
    line.provenance = provenance;
    let said = if line.voice.is_empty() { line.caption.clone() } else { line.voice.clone() };
    let caption = line.caption.clone();
    let quoted = if old.voice.is_empty() { &old.caption } else { &old.voice };
    if let Some(rest) = before.primary_text.strip_prefix(quoted.as_str()) {
        script.primary_text = format!("{said}{rest}");
    }
    script.idea = before.idea.replace(&old.caption, &caption);
    Some(script)
}
