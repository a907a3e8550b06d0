//! What the copy engine writes: a whole generation, or the scripts that a language model left open.

use spotwright_schemas::script::{Script, Structure};

use super::{Desk, Draft, Dropped, plain, rules};
use crate::cases::for_script;
use crate::copywriter::{Request, write};
use crate::critique::{Finding, Severity, critique};
use crate::plan::Assignment;

/// Scripts written beyond those that are open, for those that are refused.
const SPARE: usize = 2;

/// Rounds of writing, each with another seed; one is mostly enough.
const ROUNDS: usize = 3;

impl Desk<'_> {
    /// Writes a script for every open assignment, judges each, and keeps those that pass, in order.
    /// `fallback` says whether another writer was asked for them first.
    pub(super) fn fill(&mut self, fallback: bool) {
        let base = self.request.seed ^ (u64::from(self.request.generation) << 32);
        for round in 0..ROUNDS {
            let open = self.open();
            if open.is_empty() || self.possible.is_empty() {
                break;
            }
            let structures: Vec<Structure> =
                open.iter().filter_map(|assignment| self.structure_for(assignment)).collect();
            let avoid = if round == 0 && self.generation.scripts.is_empty() {
                self.request.avoid.to_vec()
            } else {
                self.used_openings()
            };
            let written = write(&Request {
                brief: self.request.brief,
                scripts: open.len() + SPARE * (round + 1),
                structures: &structures,
                avoid: &avoid,
                seed: base ^ ((round as u64) << 48),
            });
            self.take(&open, written, fallback);
        }
        if self.generation.scripts.is_empty() {
            self.take(&self.open(), plain::scripts(self.request.brief), fallback);
        }
    }

    fn take(&mut self, open: &[Assignment], written: Vec<Script>, fallback: bool) {
        let mut open = open.iter();
        let mut next = open.next();
        for mut script in written {
            let Some(assignment) = next else { break };
            let findings = self.engine_findings(&script);
            if findings.iter().any(|finding| finding.severity == Severity::Error) {
                self.generation.dropped.push(Dropped {
                    number: assignment.number,
                    revision: 0,
                    direction: script.direction,
                    role: None,
                    caption: script.lines.first().map(|line| line.caption.clone()).unwrap_or_default(),
                    findings,
                });
                continue;
            }
            script.learned_from =
                script.structure.and_then(|structure| for_script(self.request.brief, structure));
            for line in &mut script.lines {
                line.provenance.fallback = fallback;
            }
            self.generation.scripts.push(Draft { number: assignment.number, script, warnings: findings });
            next = open.next();
        }
    }

    /// What the engine's own checks could not know: the critique, the letters, and scripts that were
    /// written by others or in another round.
    fn engine_findings(&self, script: &Script) -> Vec<Finding> {
        let accepted = self.accepted();
        let mut findings = critique(self.request.brief, script, &accepted).findings;
        findings.extend(rules::undrawable(script, self.letters));
        findings.extend(rules::repeats(script, &accepted, &[]));
        findings
    }
}
