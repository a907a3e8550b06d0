//! Whole scripts of a language model: asked for by several, judged, sent back with what is wrong.

use spotwright_core::ports::language_model::{
    LanguageModelError, ProposedScript, ProposedScripts, Revision, ScriptWish,
};
use spotwright_schemas::letters::composed;
use spotwright_schemas::script::{Direction, Line, Provenance, Script, Structure};

use super::{Desk, Draft, Dropped, MAX_REVISIONS, SCRIPTS_PER_CALL, rules};
use crate::copywriter::angle_of;
use crate::critique::{Check, Finding, Severity};
use crate::plan::Assignment;

/// Structures for briefs whose facts carry none for sure; a model may still find words.
const BOLD: [Structure; 3] = [Structure::Demonstration, Structure::PointOfView, Structure::QuestionAnswer];

/// An assignment that is not written yet.
struct Open {
    assignment: Assignment,
    structure: Structure,
    /// What was wrong with what was proposed for it last.
    before: Option<(Option<ProposedScript>, Vec<String>)>,
}

impl Open {
    fn wish(&self) -> ScriptWish {
        let direction = Direction { angle: angle_of(self.structure), ..self.assignment.direction };
        ScriptWish { structure: self.structure, direction }
    }
}

impl Desk<'_> {
    /// Asks for every assignment, in calls of several, each with its rounds of rewriting.
    pub(super) async fn ask_for_all(&mut self) {
        let request = self.request;
        for (assignments, call) in request.assignments.chunks(SCRIPTS_PER_CALL).zip(1..) {
            let mut open: Vec<Open> = assignments
                .iter()
                .zip(BOLD.into_iter().cycle())
                .map(|(assignment, bold)| {
                    let structure = self.structure_for(assignment).unwrap_or(bold);
                    Open { assignment: *assignment, structure, before: None }
                })
                .collect();
            for round in 0..=MAX_REVISIONS {
                if open.is_empty() {
                    break;
                }
                let wishes: Vec<ScriptWish> = open.iter().map(Open::wish).collect();
                let revisions: Vec<Revision> = open
                    .iter()
                    .enumerate()
                    .filter_map(|(wish, open)| {
                        let (script, findings) = open.before.clone()?;
                        Some(Revision { wish, script, findings })
                    })
                    .collect();
                let key = self.key(&scripts_key(call, round));
                match self.ask(key, &wishes, &revisions).await {
                    Ok(answer) => open = self.take_answer(open, answer, round),
                    // It says nothing against the model, and the next round is a call of its own.
                    Err(LanguageModelError::Lost) => {}
                    // A call that failed was repaired and waited for already: asking again would not help.
                    Err(_) => break,
                }
            }
        }
    }

    /// Accepts what passes; the others stay open with what is wrong.
    fn take_answer(&mut self, open: Vec<Open>, answer: ProposedScripts, round: u32) -> Vec<Open> {
        let ProposedScripts { scripts, refused, prompt_hash, .. } = answer;
        let mut still_open = Vec::new();
        for (wish, mut open) in open.into_iter().enumerate() {
            let proposed = scripts.iter().find(|script| script.wish == wish);
            let (caption, findings) = if let Some(proposed) = proposed {
                let script = self.script(proposed, &open, &prompt_hash);
                let accepted = self.accepted();
                let findings =
                    rules::findings(self.request.brief, &script, &accepted, self.request.avoid, self.letters);
                if findings.iter().all(|finding| finding.severity != Severity::Error) {
                    self.generation.scripts.push(Draft {
                        number: open.assignment.number,
                        script,
                        warnings: findings,
                    });
                    continue;
                }
                (proposed.lines.first().map(|line| composed(&line.caption)), findings)
            } else {
                let reason = refused.iter().find(|refused| refused.wish == wish);
                let finding = reason.map_or_else(not_written, |refused| refused_finding(&refused.reason));
                (None, vec![finding])
            };
            open.before = Some((proposed.cloned(), rules::in_words(&findings)));
            self.generation.dropped.push(Dropped {
                number: open.assignment.number,
                revision: round,
                direction: open.wish().direction,
                role: None,
                caption: caption.unwrap_or_default(),
                findings,
            });
            still_open.push(open);
        }
        still_open
    }

    /// A proposal as a script: letters composed, every line with who wrote it.
    fn script(&self, proposed: &ProposedScript, open: &Open, prompt_hash: &str) -> Script {
        let provenance = Provenance {
            provider: self.model.provider().to_owned(),
            model: proposed.model.clone(),
            prompt_hash: prompt_hash.to_owned(),
            fallback: false,
        };
        let lines = proposed
            .lines
            .iter()
            .map(|line| Line {
                role: line.role,
                caption: composed(&line.caption),
                detail: composed(&line.detail),
                voice: composed(&line.voice),
                picture: composed(&line.picture),
                rests_on: line.rests_on.clone(),
                provenance: provenance.clone(),
            })
            .collect();
        Script {
            locale: self.request.brief.locale,
            direction: Direction {
                angle: angle_of(proposed.structure),
                hook: open.assignment.direction.hook,
            },
            structure: Some(proposed.structure),
            idea: composed(&proposed.idea),
            learned_from: proposed.learned_from.clone(),
            lines,
            primary_text: composed(&proposed.primary_text),
        }
    }
}

/// The written name of a call: the how many-th of its generation, and the round of rewriting.
fn scripts_key(call: u32, round: u32) -> String {
    format!("scripts-{call}/round-{round}")
}

fn not_written() -> Finding {
    stopping("not_written", "the language model wrote no script for this place".to_owned())
}

fn refused_finding(reason: &str) -> Finding {
    stopping("refused_answer", reason.to_owned())
}

fn stopping(rule: &str, message: String) -> Finding {
    Finding {
        check: Check::Schema,
        rule: rule.to_owned(),
        severity: Severity::Error,
        role: None,
        subject: String::new(),
        message,
        law: String::new(),
        span: None,
        rewrite: String::new(),
    }
}
