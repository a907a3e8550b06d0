//! The exposure log: one row for each user and day, as parquet.
//!
//! `unit`, `arm`, `exposed_at`, `metric`, `value` and `denominator` are the columns that
//! [`crate::trial`] reads: the log of one phase can be analyzed by anybody as it is.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::record::{Row, RowAccessor};
use parquet::schema::parser::parse_message_type;
use spotwright_core::domain::experiment::Experiment;
use spotwright_core::domain::experiment::exposure::Exposure;
use spotwright_core::domain::experiment::order::HOLDOUT;
use spotwright_core::domain::observation::Window;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

use super::ratio_of;

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Whole,
    Number,
}

/// A cell of a row.
enum Cell {
    Text(String),
    Whole(i64),
    Number(f64),
}

const COLUMNS: [(&str, Kind); 20] = [
    ("unit", Kind::Whole),
    ("arm", Kind::Text),
    ("phase", Kind::Whole),
    ("logical_day", Kind::Whole),
    ("exposed_at", Kind::Text),
    ("propensity", Kind::Number),
    ("impressions", Kind::Whole),
    ("clicks", Kind::Whole),
    ("conversions", Kind::Whole),
    ("spend_micros", Kind::Whole),
    ("revenue_micros", Kind::Whole),
    ("currency", Kind::Text),
    ("metric", Kind::Text),
    ("value", Kind::Number),
    ("denominator", Kind::Number),
    ("earlier_clicks", Kind::Whole),
    ("source", Kind::Text),
    ("hour", Kind::Number),
    ("remembered", Kind::Number),
    ("last_hour", Kind::Number),
];

/// Rows as they are written; `revenue_micros` is 0 where the experiment does not say what a conversion is worth.
pub(super) fn write(experiment: &Experiment, exposures: &[Exposure]) -> Result<Vec<u8>, ParquetError> {
    let mut message = "message exposures {\n".to_owned();
    for (name, kind) in COLUMNS {
        message.push_str(&match kind {
            Kind::Text => format!("required binary {name} (UTF8);\n"),
            Kind::Whole => format!("required int64 {name};\n"),
            Kind::Number => format!("required double {name};\n"),
        });
    }
    message.push('}');
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by("spotwright".to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(parse_message_type(&message)?), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let mut column = 0;
    while let Some(mut open) = group.next_column()? {
        write_column(&mut open, experiment, exposures, column)?;
        open.close()?;
        column += 1;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    experiment: &Experiment,
    exposures: &[Exposure],
    column: usize,
) -> Result<(), ParquetError> {
    let (mut texts, mut wholes, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for exposure in exposures {
        match cell(experiment, exposure, column) {
            Cell::Text(text) => texts.push(ByteArray::from(text.into_bytes())),
            Cell::Whole(whole) => wholes.push(whole),
            Cell::Number(number) => numbers.push(number),
        }
    }
    match COLUMNS[column].1 {
        Kind::Text => writer.typed::<ByteArrayType>().write_batch(&texts, None, None)?,
        Kind::Whole => writer.typed::<Int64Type>().write_batch(&wholes, None, None)?,
        Kind::Number => writer.typed::<DoubleType>().write_batch(&numbers, None, None)?,
    };
    Ok(())
}

fn cell(experiment: &Experiment, exposure: &Exposure, column: usize) -> Cell {
    let design = &experiment.design;
    let value = design.conversion_value_micros;
    let ratio = ratio_of(exposure, design.primary, value);
    let worth = value.map_or(0, |value| value.0.saturating_mul(i64::from(exposure.conversions)));
    match COLUMNS[column].0 {
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
    if names.iter().map(String::as_str).ne(COLUMNS.iter().map(|(name, _)| *name)) {
        return Err(damaged(&"it has other columns"));
    }
    let rows = reader.get_row_iter(None).map_err(|error| damaged(&error))?;
    let read = |row: Result<Row, ParquetError>| exposure(experiment, &row?);
    rows.map(|row| read(row).map_err(|error| damaged(&error))).collect()
}

fn exposure(experiment: &Experiment, row: &Row) -> Result<Exposure, ParquetError> {
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
        spend: Micros(row.get_long(9)?),
        earlier_clicks: small(15)?,
        remembered: row.get_double(18)? as f32,
        last_hour: row.get_double(19)?,
    })
}
