//! Off-policy estimators equal those of the Open Bandit Pipeline on its log.

use std::path::PathBuf;

use spotwright_evaluation::{Places, off_policy};

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the data folder is found through a documented variable, and its absence is said"
)]
fn estimators_equal_the_reference_implementation() {
    let data = std::env::var("SPOTWRIGHT_DATA").ok().map(PathBuf::from);
    let Some(data) = data.filter(|data| data.join("ope_oracle/ope_oracle.json").is_file()) else {
        println!("SKIPPED: SPOTWRIGHT_DATA does not name a folder with ope_oracle/ope_oracle.json");
        return;
    };
    let places = Places { models: PathBuf::new(), data: Some(data), cache: PathBuf::new() };
    let measured = off_policy::suite(&places, 20, 1).unwrap();
    assert_eq!(measured.logs.len(), 2);
    assert!(measured.logs.iter().all(|log| log.rounds == 10_000 && log.rows.len() == 13));
    assert!(measured.largest_difference <= 1e-9, "{}", measured.largest_difference);
}

#[test]
fn a_missing_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let places =
        Places { models: PathBuf::new(), data: Some(folder.path().to_path_buf()), cache: PathBuf::new() };
    let problem = off_policy::suite(&places, 20, 1).unwrap_err();
    assert!(problem.message.contains("ope_oracle.json does not exist"), "{problem}");
}
