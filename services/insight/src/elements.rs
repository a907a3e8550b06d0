//! What the elements of ads go along with: openings, structures, calls to action, styles, voices.

use std::collections::BTreeMap;

use spotwright_core::domain::report::{Cell, Column, ColumnKind, Exposure, Table};
use spotwright_core::ports::reports::ElementAnalysis;
use spotwright_experiment::analysis::elements::{ElementRow, ElementUnit, elements};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Confidence of intervals is 1 − this.
const ALPHA: f64 = 0.05;

/// Share of false ones among the lifts that are called significant.
const FALSE_DISCOVERIES: f64 = 0.05;

/// Columns of the report on elements.
const ELEMENTS: &[Column] = &[
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "element", kind: ColumnKind::Text },
    Column { name: "value", kind: ColumnKind::Text },
    Column { name: "variants", kind: ColumnKind::Whole },
    Column { name: "impressions", kind: ColumnKind::Whole },
    Column { name: "clicks", kind: ColumnKind::Whole },
    Column { name: "ctr", kind: ColumnKind::Number },
    Column { name: "ctr_low", kind: ColumnKind::Number },
    Column { name: "ctr_high", kind: ColumnKind::Number },
    Column { name: "lift", kind: ColumnKind::Number },
    Column { name: "lift_low", kind: ColumnKind::Number },
    Column { name: "lift_high", kind: ColumnKind::Number },
    Column { name: "p_value", kind: ColumnKind::Number },
    Column { name: "p_adjusted", kind: ColumnKind::Number },
    Column { name: "significant", kind: ColumnKind::Flag },
    Column { name: "enough", kind: ColumnKind::Flag },
];

/// Attribution by the statistics of experiments.
#[derive(Debug, Clone, Copy, Default)]
pub struct Elements;

impl ElementAnalysis for Elements {
    fn attribute(&self, source: &'static str, exposures: &[Exposure]) -> Result<Table, Problem> {
        let units: Vec<ElementUnit> = exposures.iter().flat_map(units_of).collect();
        let rows = elements(&units, ALPHA)
            .map_err(|error| Problem::new(Code::StoreFormat, "", error.to_string()))?;
        Ok(Table { columns: ELEMENTS, rows: rows.iter().map(|row| cells(source, row)).collect() })
    }
}

fn cells(source: &str, row: &ElementRow) -> Vec<Cell> {
    let (rate, lift) = (row.rate, row.lift);
    vec![
        source.into(),
        row.element.as_str().into(),
        row.value.as_str().into(),
        (row.units as u64).into(),
        row.trials.into(),
        row.successes.into(),
        rate.map(|(rate, _)| rate).into(),
        rate.map(|(_, interval)| interval[0]).into(),
        rate.map(|(_, interval)| interval[1]).into(),
        lift.map(|lift| lift.estimate).into(),
        lift.map(|lift| lift.interval[0]).into(),
        lift.map(|lift| lift.interval[1]).into(),
        lift.map(|lift| lift.p_value).into(),
        lift.map(|lift| lift.p_adjusted).into(),
        lift.is_some_and(|lift| lift.enough && lift.p_adjusted <= FALSE_DISCOVERIES).into(),
        lift.is_some_and(|lift| lift.enough).into(),
    ]
}

/// What a variant is made of, element by element. Variants of one generation of a run are comparable; a call
/// to action is the brief's, so it is compared over the briefs of one product.
fn units_of(shown: &Exposure) -> Vec<ElementUnit> {
    let body = &shown.body;
    let of_generation = format!("{}/{}", shown.run, shown.generation);
    let (block, product) = (of_generation.as_str(), shown.product.as_str());
    let voice = body.voice.as_ref().and_then(|voice| voice.lines.first());
    let style = serde_json::to_value(body.storyboard.style).unwrap_or_default();
    let mut values: BTreeMap<&str, (String, &str)> = BTreeMap::new();
    let script = &body.script;
    values.insert("hook", (script.direction.hook.as_str().to_owned(), block));
    values.insert("angle", (script.direction.angle.as_str().to_owned(), block));
    if let Some(structure) = script.structure {
        values.insert("structure", (structure.as_str().to_owned(), block));
    }
    values.insert("call_to_action", (shown.call_to_action.clone(), product));
    values.insert("visual_style", (style.as_str().unwrap_or_default().to_owned(), block));
    values.insert("voice", (voice.map_or_else(|| "none".to_owned(), |line| line.voice.clone()), block));
    let unit = |(element, (value, block)): (&str, (String, &str))| ElementUnit {
        element: element.to_owned(),
        value,
        block: block.to_owned(),
        trials: shown.impressions,
        successes: shown.clicks,
    };
    values.into_iter().map(unit).collect()
}
