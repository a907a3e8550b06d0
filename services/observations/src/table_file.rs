//! Tables of reports as files.

use spotwright_core::domain::report::{Cell, ReportFormat, Table};
use spotwright_core::ports::reports::TableWriter;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::parquet_file::{self, Presence};

/// Writes tables as JSON, CSV and parquet.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableFile;

impl TableWriter for TableFile {
    fn write(&self, table: &Table, format: ReportFormat) -> Result<Vec<u8>, Problem> {
        match format {
            ReportFormat::Json => Ok(table.json().to_string().into_bytes()),
            ReportFormat::Csv => Ok(table.csv().into_bytes()),
            ReportFormat::Parquet => {
                let cell = |row: usize, column: usize| {
                    table.rows.get(row).and_then(|cells| cells.get(column)).cloned().unwrap_or(Cell::Nothing)
                };
                parquet_file::write("report", Presence::Optional, table.columns, table.rows.len(), &cell)
                    .map_err(|error| Problem::new(Code::Internal, "", error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, RowAccessor};
    use spotwright_core::domain::report::{Column, ColumnKind};

    use super::*;

    const COLUMNS: &[Column] = &[
        Column { name: "name", kind: ColumnKind::Text },
        Column { name: "clicks", kind: ColumnKind::Whole },
        Column { name: "rate", kind: ColumnKind::Number },
        Column { name: "known", kind: ColumnKind::Flag },
    ];

    #[test]
    fn a_table_is_read_back_from_parquet_with_what_is_not_known() {
        let rows = vec![
            vec!["a, \"b\"".into(), 7_u64.into(), 0.5.into(), true.into()],
            vec!["茶".into(), Cell::Nothing, f64::NAN.into(), Cell::Nothing],
        ];
        let table = Table { columns: COLUMNS, rows };
        let file = TableFile.write(&table, ReportFormat::Parquet).unwrap();
        assert_eq!(file, TableFile.write(&table, ReportFormat::Parquet).unwrap());
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!((rows[0].get_string(0).unwrap().as_str(), rows[0].get_long(1).unwrap()), ("a, \"b\"", 7));
        assert_eq!((rows[0].get_double(2).unwrap(), rows[0].get_bool(3).unwrap()), (0.5, true));
        assert_eq!(rows[1].get_string(0).unwrap(), "茶");
        assert!(rows[1].get_column_iter().skip(1).all(|(_, field)| *field == Field::Null));
    }

    #[test]
    fn an_empty_table_is_a_file_and_a_cell_of_another_kind_is_none() {
        let empty = Table { columns: COLUMNS, rows: Vec::new() };
        let file = TableFile.write(&empty, ReportFormat::Parquet).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
        let wrong = Table { columns: COLUMNS, rows: vec![vec![7_u64.into(); 4]] };
        assert_eq!(TableFile.write(&wrong, ReportFormat::Parquet).unwrap_err().code, Code::Internal);
    }
}
