//! Lists the migrations for embedding. `sqlx::migrate!` would do the same, but its macros crate brings
//! both drivers and SQLite along, compiled a second time for the compiler itself.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    let migrations = folder_in("CARGO_MANIFEST_DIR")?.join("migrations");
    let mut lists = String::new();
    for (name, folder) in [("SQLITE", "sqlite"), ("POSTGRES", "postgres")] {
        let folder = migrations.join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        writeln!(lists, "pub(crate) const {name}: &[Embedded] = &[{}];", list(&folder)?)?;
    }
    fs::write(folder_in("OUT_DIR")?.join("migrations.rs"), lists)?;
    Ok(())
}

/// The folder that cargo names in `variable`.
fn folder_in(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("{variable} is not set"))
}

/// Version, description and text of every file `NNNN_what_it_does.sql`, in ascending order.
fn list(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let parts = stem.split_once('_').filter(|_| path.extension().is_some_and(|ending| ending == "sql"));
        let parsed =
            parts.and_then(|(version, what)| Some((version.parse::<i64>().ok()?, what.replace('_', " "))));
        let (version, what) =
            parsed.ok_or_else(|| format!("{} is not called NNNN_what_it_does.sql", path.display()))?;
        entries.push((version, what, path));
    }
    entries.sort();
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("{} and {} have one number", pair[0].2.display(), pair[1].2.display()).into());
    }
    let mut list = String::new();
    for (version, what, path) in entries {
        write!(list, "({version}, {what:?}, include_str!(r#\"{}\"#)), ", path.display())?;
    }
    Ok(list)
}
