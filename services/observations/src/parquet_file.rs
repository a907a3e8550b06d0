//! The one writer of parquet files: typed columns in one group of rows, compressed with zstd.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use spotwright_core::domain::report::{Cell, Column, ColumnKind};

/// Whether every cell of a file holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Every cell does; an empty one is a defect of the caller, and refused.
    Required,
    /// Cells may be empty.
    Optional,
}

impl Presence {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// Writes rows of cells; `cell(row, column)` gives each of `rows` rows.
///
/// # Errors
/// A cell that is not of its column's kind, or empty in a required column.
pub(crate) fn write(
    name: &str,
    presence: Presence,
    columns: &[Column],
    rows: usize,
    cell: &dyn Fn(usize, usize) -> Cell,
) -> Result<Vec<u8>, ParquetError> {
    let mut message = format!("message {name} {{\n");
    for column in columns {
        let (kind, logical) = match column.kind {
            ColumnKind::Text => ("binary", " (UTF8)"),
            ColumnKind::Whole => ("int64", ""),
            ColumnKind::Number => ("double", ""),
            ColumnKind::Flag => ("boolean", ""),
        };
        message.push_str(&format!("{} {kind} {}{logical};\n", presence.as_str(), column.name));
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
    for (idx, column) in columns.iter().enumerate() {
        let Some(mut open) = group.next_column()? else { break };
        let cells = (0..rows).map(|row| cell(row, idx));
        write_column(&mut open, presence, *column, cells)?;
        open.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    presence: Presence,
    column: Column,
    cells: impl Iterator<Item = Cell>,
) -> Result<(), ParquetError> {
    let (mut texts, mut wholes, mut numbers, mut flags) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut levels = Vec::new();
    for cell in cells {
        levels.push(i16::from(cell != Cell::Nothing));
        match (column.kind, cell) {
            (_, Cell::Nothing) if presence == Presence::Optional => {}
            (ColumnKind::Text, Cell::Text(text)) => texts.push(ByteArray::from(text.into_bytes())),
            (ColumnKind::Whole, Cell::Whole(whole)) => wholes.push(whole),
            (ColumnKind::Number, Cell::Number(number)) => numbers.push(number),
            (ColumnKind::Flag, Cell::Flag(flag)) => flags.push(flag),
            (kind, cell) => {
                let message = format!("`{}` holds {kind:?}, not {cell:?}", column.name);
                return Err(ParquetError::General(message));
            }
        }
    }
    let levels = (presence == Presence::Optional).then_some(levels.as_slice());
    match column.kind {
        ColumnKind::Text => writer.typed::<ByteArrayType>().write_batch(&texts, levels, None)?,
        ColumnKind::Whole => writer.typed::<Int64Type>().write_batch(&wholes, levels, None)?,
        ColumnKind::Number => writer.typed::<DoubleType>().write_batch(&numbers, levels, None)?,
        ColumnKind::Flag => writer.typed::<BoolType>().write_batch(&flags, levels, None)?,
    };
    Ok(())
}
