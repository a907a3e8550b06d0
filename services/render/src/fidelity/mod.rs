//! Whether the product in a clip is the product of the reference pictures: pure measures on RGB stills.
//!
//! The product is cut out of its picture (everything that is not the plain ground around it; the middle of a
//! picture without one), looked for in frames of the clip at many sizes, and compared where it was found:
//! color at equal exposure, outlines, and the parts that hold detail, i.e. label and logo. A product that
//! fits better mirrored, or stretched, is not the product.
//!
//! What it cannot do: a product seen from another side is not found, and so does not pass. That is what is
//! wanted of an advertisement's product shot; such clips are for shots that do not claim to show the product.

mod find;
mod measure;
mod still;

#[cfg(test)]
mod examples;

use spotwright_core::ports::fidelity::FidelityReport;

pub use still::Still;

use find::{Found, Pyramid, Template};
use measure::Measures;

/// Largest color distance, in ΔE (CIE 1976).
pub const MAX_COLOR: f64 = 12.0;
/// Least agreement of outlines.
pub const MIN_SHAPE: f64 = 0.65;
/// Least agreement of the weaker parts with detail.
pub const MIN_LABEL: f64 = 0.55;
/// Most that width to height may differ from the reference's.
pub const MAX_STRETCH: f64 = 1.10;
/// Least agreement of luma at which a product counts as found.
const MIN_FOUND: f64 = 0.45;
/// How much better a mirrored product fits, as a whole and in its parts with detail, before it counts as
/// mirrored.
const MIRRORED_BY: [f64; 2] = [0.04, 0.10];
/// What the report says where there is no product.
const NOWHERE: &str = "the product was not found in any frame";
/// Rank of a frame that agrees beyond doubt: it passes, and its measures add up to 2.4 of 3.
const CERTAIN: f64 = 12.4;
/// Least longer side of a product in a frame, in pixels, at which a label can be judged.
const MIN_SIDE: f64 = 56.0;

/// Compares frames of a clip, given with their numbers, with the reference pictures.
///
/// The frame and picture that agree best decide; the first that agrees beyond doubt ends the search. Without frames, references or a product that is found the
/// report does not pass and says why. Deterministic; about 60 ms for each pair of frame and reference.
#[must_use]
pub fn compare(frames: &[(u32, Still)], references: &[Still]) -> FidelityReport {
    if references.is_empty() {
        return nothing("there is no reference picture of the product");
    }
    if frames.is_empty() {
        return nothing("the clip has no frame to compare");
    }
    let templates: Vec<Option<Template>> = references.iter().map(Template::of).collect();
    if templates.iter().all(Option::is_none) {
        return nothing("the reference pictures hold no product that can be told from its ground");
    }
    let mut best: Option<(f64, FidelityReport)> = None;
    for (number, frame) in frames {
        let lumas = Pyramid::of(frame);
        for (reference, template) in templates.iter().enumerate() {
            let Some(template) = template else { continue };
            let Some(found) = find::find(template, &lumas) else { continue };
            let measures = measure::measure(template, frame, &lumas, &found);
            let (rank, report) = judged(&found, &measures, *number, reference as u32);
            if best.as_ref().is_none_or(|(highest, _)| rank > *highest) {
                best = Some((rank, report));
            }
            // Beyond doubt: no other frame changes the verdict.
            if rank > CERTAIN {
                return best.map_or_else(|| nothing(NOWHERE), |(_, report)| report);
            }
        }
    }
    best.map_or_else(|| nothing(NOWHERE), |(_, report)| report)
}

fn nothing(reason: &str) -> FidelityReport {
    FidelityReport {
        pass: false,
        color: 100.0,
        shape: 0.0,
        label: 0.0,
        best_frame: 0,
        reference: 0,
        reason: reason.to_owned(),
    }
}

/// The report of one frame and reference, and how good it is: all that passes before all that does not.
fn judged(found: &Found, measures: &Measures, best_frame: u32, reference: u32) -> (f64, FidelityReport) {
    let mut faults = Vec::new();
    if found.agreement < MIN_FOUND {
        faults.push(format!("the product was hardly found (agreement {:.2})", found.agreement));
    }
    if found.side() < MIN_SIDE {
        faults.push(format!("the product is only {:.0} pixels large", found.side()));
    }
    if measures.mirrored_by.iter().zip(MIRRORED_BY).any(|(by, most)| *by > most) {
        faults.push("the product is mirrored".to_owned());
    }
    let stretch = found.stretch.max(1.0 / found.stretch);
    if stretch > MAX_STRETCH {
        let way = if found.stretch > 1.0 { "wider" } else { "narrower" };
        faults.push(format!("the product is {:.0} % {way} than it is", (stretch - 1.0) * 100.0));
    }
    if measures.color > MAX_COLOR {
        faults.push(format!("its colors are {:.0} ΔE away", measures.color));
    }
    if measures.shape < MIN_SHAPE {
        faults.push(format!("its outlines agree by {:.2} only", measures.shape));
    }
    if measures.label < MIN_LABEL {
        faults.push(format!("its label agrees by {:.2} only", measures.label));
    }
    let pass = faults.is_empty();
    let reason = if pass {
        format!(
            "the product of picture {} is in frame {best_frame}: colors {:.1} ΔE away, outlines {:.2}, label {:.2}",
            reference + 1,
            measures.color,
            measures.shape,
            measures.label
        )
    } else {
        format!("frame {best_frame} against picture {}: {}", reference + 1, faults.join("; "))
    };
    let rank = measures.shape + measures.label + found.agreement - measures.color / 40.0
        + if pass { 10.0 } else { 0.0 };
    let Measures { color, shape, label, .. } = *measures;
    (rank, FidelityReport { pass, color, shape, label, best_frame, reference, reason })
}
