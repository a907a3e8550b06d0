//! Pairs of texts from a CSV file.

use std::io::Write as _;
use std::path::Path;

use spotwright_schemas::Problem;
use spotwright_tables::Table;

/// Two texts to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The line of the file on which it begins.
    pub(crate) line: u64,
    /// Its id.
    pub(crate) id: String,
    /// The first text.
    pub(crate) a: String,
    /// The second text.
    pub(crate) b: String,
}

/// Reads the columns `pair_id`, `text_a` and `text_b`; says so on standard error when the encoding was
/// recognized by its letters alone.
pub(crate) fn read(path: &Path) -> Result<Vec<Pair>, Problem> {
    let table = Table::open(path)?;
    let [id, a, b] = table.columns(["pair_id", "text_a", "text_b"])?;
    if table.is_encoding_guessed() {
        let encoding = table.encoding();
        // A notice is not worth failing for.
        let _ignored = writeln!(
            std::io::stderr(),
            "note: the pairs are read as {encoding}; save them as UTF-8 if that is wrong"
        );
    }
    let pair = |row: spotwright_tables::Row| Pair {
        line: row.line,
        id: row.get(id).to_owned(),
        a: row.get(a).to_owned(),
        b: row.get(b).to_owned(),
    };
    table.rows().map(|row| row.map(pair)).collect()
}
