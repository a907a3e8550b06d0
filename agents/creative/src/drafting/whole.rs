//! A generation written by the copy engine: whole scripts, one per assignment.

use spotwright_schemas::script::{Direction, Structure};

use super::{Draft, DraftRequest, Dropped, Generation};
use crate::cases::for_script;
use crate::copywriter::{Request, angle_of, possible_structures, write};
use crate::critique::critique;

/// Scripts written beyond the plan, for those that the critique refuses.
const SPARE: usize = 2;

/// Writes one script for every assignment, judges each, and keeps those that pass, in order.
pub(super) fn generation(request: &DraftRequest<'_>) -> Generation {
    let possible = possible_structures(request.brief);
    let structures: Vec<Structure> = request
        .assignments
        .iter()
        .enumerate()
        .map(|(turn, assignment)| structure_for(assignment.direction, turn, &possible))
        .collect::<Option<_>>()
        .unwrap_or_default();
    let scripts = write(&Request {
        brief: request.brief,
        scripts: request.assignments.len() + SPARE,
        structures: &structures,
        avoid: request.avoid,
        seed: request.seed ^ (u64::from(request.generation) << 32),
    });
    let mut generation = Generation::default();
    let mut accepted = Vec::new();
    let mut open = request.assignments.iter();
    let mut next = open.next();
    for mut script in scripts {
        let Some(assignment) = next else { break };
        let verdict = critique(request.brief, &script, &accepted);
        if verdict.pass {
            script.learned_from = script.structure.and_then(|structure| for_script(request.brief, structure));
            accepted.push(script.clone());
            generation.scripts.push(Draft { number: assignment.number, script, warnings: verdict.findings });
            next = open.next();
        } else {
            generation.dropped.push(Dropped {
                number: assignment.number,
                revision: 0,
                direction: script.direction,
                role: None,
                caption: script.lines.first().map(|line| line.caption.clone()).unwrap_or_default(),
                findings: verdict.findings,
            });
        }
    }
    generation
}

/// A structure that approaches from the direction's side; the next possible one where the brief's
/// facts carry none.
fn structure_for(direction: Direction, turn: usize, possible: &[Structure]) -> Option<Structure> {
    let fitting: Vec<Structure> =
        possible.iter().copied().filter(|structure| angle_of(*structure) == direction.angle).collect();
    let pool = if fitting.is_empty() { possible } else { &fitting };
    (!pool.is_empty()).then(|| pool[turn % pool.len()])
}
