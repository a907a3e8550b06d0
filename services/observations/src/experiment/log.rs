//! The exposure log: one row for each user and day, as parquet.
//!
//! `unit`, `arm`, `exposed_at`, `metric`, `value` and `denominator` are the columns that
//! [`crate::trial`] reads: the log of one phase can be analyzed by anybody as it is.

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use spotwright_core::domain::experiment::Experiment;
use spotwright_core::domain::experiment::exposure::{Exposure, SegmentName};
use spotwright_core::domain::experiment::order::HOLDOUT;
use spotwright_core::domain::observation::Window;
use spotwright_core::domain::report::{Cell, Column, ColumnKind};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

use super::ratio_of;
use crate::parquet_file::{self, Presence};

/// Columns of logs that were written before segments and purchases without a click were told.
const EARLIER_COLUMNS: usize = 20;

const COLUMNS: [Column; 22] = [
    Column { name: "unit", kind: ColumnKind::Whole },
    Column { name: "arm", kind: ColumnKind::Text },
    Column { name: "phase", kind: ColumnKind::Whole },
    Column { name: "logical_day", kind: ColumnKind::Whole },
    Column { name: "exposed_at", kind: ColumnKind::Text },
    Column { name: "propensity", kind: ColumnKind::Number },
    Column { name: "impressions", kind: ColumnKind::Whole },
    Column { name: "clicks", kind: ColumnKind::Whole },
    Column { name: "conversions", kind: ColumnKind::Whole },
    Column { name: "spend_micros", kind: ColumnKind::Whole },
    Column { name: "revenue_micros", kind: ColumnKind::Whole },
    Column { name: "currency", kind: ColumnKind::Text },
    Column { name: "metric", kind: ColumnKind::Text },
    Column { name: "value", kind: ColumnKind::Number },
    Column { name: "denominator", kind: ColumnKind::Number },
    Column { name: "earlier_clicks", kind: ColumnKind::Whole },
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "hour", kind: ColumnKind::Number },
    Column { name: "remembered", kind: ColumnKind::Number },
    Column { name: "last_hour", kind: ColumnKind::Number },
    Column { name: "segment", kind: ColumnKind::Text },
    Column { name: "organic_conversions", kind: ColumnKind::Whole },
];

/// Rows as they are written; `revenue_micros` is 0 where the experiment does not say what a conversion is
/// worth.
pub(super) fn write(experiment: &Experiment, exposures: &[Exposure]) -> Result<Vec<u8>, ParquetError> {
    write_columns(experiment, exposures, &COLUMNS)
}

/// A log as it was written before segments were told.
#[cfg(test)]
pub(super) fn write_earlier(
    experiment: &Experiment,
    exposures: &[Exposure],
) -> Result<Vec<u8>, ParquetError> {
    write_columns(experiment, exposures, &COLUMNS[..EARLIER_COLUMNS])
}

fn write_columns(
    experiment: &Experiment,
    exposures: &[Exposure],
    columns: &[Column],
) -> Result<Vec<u8>, ParquetError> {
    let cell = |row: usize, column: usize| {
        exposures.get(row).map_or(Cell::Nothing, |exposure| cell(experiment, exposure, column))
    };
    parquet_file::write("exposures", Presence::Required, columns, exposures.len(), &cell)
}

fn cell(experiment: &Experiment, exposure: &Exposure, column: usize) -> Cell {
    let design = &experiment.design;
    let value = design.conversion_value_micros;
    let ratio = ratio_of(exposure, design.primary, value);
    let worth = value.map_or(0, |value| value.0.saturating_mul(i64::from(exposure.conversions)));
    match COLUMNS[column].name {
        "unit" => Cell::Whole(exposure.unit.cast_signed()),
        "arm" => Cell::Text(arm_name(experiment, exposure.arm).to_owned()),
        "phase" => Cell::Whole(exposure.phase.into()),
        "logical_day" => Cell::Whole(exposure.day.into()),
        "exposed_at" => Cell::Text(logical_time(exposure)),
        "propensity" => Cell::Number(exposure.propensity),
        "impressions" => Cell::Whole(exposure.impressions.into()),
        "clicks" => Cell::Whole(exposure.clicks.into()),
        "conversions" => Cell::Whole(exposure.conversions.into()),
        "spend_micros" => Cell::Whole(exposure.spend.0),
        "revenue_micros" => Cell::Whole(worth),
        "currency" => Cell::Text(experiment.currency.code().to_owned()),
        "metric" => Cell::Text(design.primary.as_str().to_owned()),
        "value" => Cell::Number(ratio.0),
        "denominator" => Cell::Number(ratio.1),
        "earlier_clicks" => Cell::Whole(exposure.earlier_clicks.into()),
        "source" => Cell::Text("simulated".to_owned()),
        "hour" => Cell::Number(exposure.hour),
        "remembered" => Cell::Number(f64::from(exposure.remembered)),
        "segment" => Cell::Text(exposure.segment.as_str().to_owned()),
        "organic_conversions" => Cell::Whole(exposure.organic.into()),
        _ => Cell::Number(exposure.last_hour),
    }
}

fn arm_name(experiment: &Experiment, arm: u32) -> &str {
    experiment.design.arms.get(arm as usize).map_or(HOLDOUT, |arm| arm.name.as_str())
}

/// The first exposure of the day on the market's clock, which has no time zone, as if it had UTC.
fn logical_time(exposure: &Exposure) -> String {
    let date = Window::of_logical_day(exposure.day).start;
    let into_day = exposure.hour - 24.0 * f64::from(exposure.day.saturating_sub(1));
    let seconds = (into_day.clamp(0.0, 23.999) * 3_600.0) as i64;
    format!("{date}T{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Reads what [`write`] wrote.
pub(super) fn read(experiment: &Experiment, file: &[u8]) -> Result<Vec<Exposure>, Problem> {
    let damaged = |error: &dyn std::fmt::Display| {
        Problem::new(Code::StoreFormat, "exposures", format!("the log cannot be read: {error}"))
    };
    let reader =
        SerializedFileReader::new(bytes::Bytes::copy_from_slice(file)).map_err(|error| damaged(&error))?;
    let names: Vec<String> = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .columns()
        .iter()
        .map(|column| column.path().string())
        .collect();
    let is_log = [EARLIER_COLUMNS, COLUMNS.len()].contains(&names.len());
    let known = COLUMNS.iter().map(|column| column.name).take(names.len());
    if !is_log || names.iter().map(String::as_str).ne(known) {
        return Err(damaged(&"it has other columns"));
    }
    let rows = reader.get_row_iter(None).map_err(|error| damaged(&error))?;
    let is_whole = names.len() == COLUMNS.len();
    let read = |row: Result<Row, ParquetError>| exposure(experiment, &row?, is_whole);
    rows.map(|row| read(row).map_err(|error| damaged(&error))).collect()
}

fn exposure(experiment: &Experiment, row: &Row, is_whole: bool) -> Result<Exposure, ParquetError> {
    let out_of_range = || ParquetError::General("a number is out of range".to_owned());
    let small = |at| u32::try_from(row.get_long(at)?).map_err(|_| out_of_range());
    let name = row.get_string(1)?;
    let arms = &experiment.design.arms;
    let arm = arms.iter().position(|arm| arm.name == *name).unwrap_or(arms.len());
    if arm == arms.len() && name != HOLDOUT {
        return Err(ParquetError::General(format!("there is no arm `{name}`")));
    }
    Ok(Exposure {
        unit: row.get_long(0)?.cast_unsigned(),
        arm: u32::try_from(arm).map_err(|_| out_of_range())?,
        phase: small(2)?,
        day: small(3)?,
        hour: row.get_double(17)?,
        propensity: row.get_double(5)?,
        impressions: small(6)?,
        clicks: small(7)?,
        conversions: small(8)?,
        organic: if is_whole { small(21)? } else { 0 },
        spend: Micros(row.get_long(9)?),
        earlier_clicks: small(15)?,
        segment: if is_whole { SegmentName::new(row.get_string(20)?) } else { SegmentName::default() },
        remembered: row.get_double(18)? as f32,
        last_hour: row.get_double(19)?,
    })
}
