//! The customers and the given split.

use std::path::PathBuf;

use serde::Deserialize;
use spotwright_schemas::Problem;

use crate::command::Places;
use crate::inputs::{content_problem, data_file};

/// The offers, in the order of their indices.
pub(super) const OFFERS: [&str; 3] = ["Buy One Get One", "Discount", "No Offer"];
pub(super) const ZIP_CODES: [&str; 3] = ["Rural", "Surburban", "Urban"];
pub(super) const CHANNELS: [&str; 3] = ["Multichannel", "Phone", "Web"];
/// Months since the last purchase, in the table 1 to 12; larger ones are no months of a customer.
const RECENCIES: std::ops::RangeInclusive<u32> = 1..=1_200;

/// Part of the given split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    Train,
    Valid,
    Test,
}

#[derive(Debug, Deserialize)]
struct Record {
    recency: u32,
    history: f64,
    used_discount: u8,
    used_bogo: u8,
    zip_code: String,
    is_referral: u8,
    channel: String,
    offer: String,
    conversion: u8,
}

#[derive(Debug, Deserialize)]
struct Assignment {
    row: usize,
    part: Part,
}

/// One customer.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    /// Months since the last purchase, at least 1.
    pub(super) recency: u32,
    /// Natural logarithm of what was ever spent.
    pub(super) log_history: f64,
    pub(super) used_discount: bool,
    pub(super) used_bogo: bool,
    /// Index in [`ZIP_CODES`].
    pub(super) zip_code: usize,
    pub(super) is_referral: bool,
    /// Index in [`CHANNELS`].
    pub(super) channel: usize,
    /// Index of the offer that was made.
    pub(super) offer: usize,
    /// Whether it converted.
    pub(super) converted: bool,
}

/// Folder of the two tables.
pub(super) fn folder(places: &Places) -> Result<PathBuf, Problem> {
    Ok(data_file(places, "promo/promo64k.csv")?.parent().map(PathBuf::from).unwrap_or_default())
}

/// Customers and their parts, in table order.
pub(super) fn read(places: &Places) -> Result<(Vec<Customer>, Vec<Part>), Problem> {
    let path = data_file(places, "promo/promo64k.csv")?;
    let fail = |message: String| content_problem(&path, message);
    let mut reader = csv::Reader::from_path(&path).map_err(|error| fail(error.to_string()))?;
    let mut customers = Vec::new();
    for (idx, record) in reader.deserialize::<Record>().enumerate() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        customers.push(customer(&record).map_err(|message| fail(format!("row {idx}: {message}")))?);
    }
    let split = data_file(places, "promo/split.csv")?;
    let fail = |message: String| content_problem(&split, message);
    let mut reader = csv::Reader::from_path(&split).map_err(|error| fail(error.to_string()))?;
    let mut parts = Vec::new();
    for (idx, record) in reader.deserialize::<Assignment>().enumerate() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        if record.row != idx {
            return Err(fail(format!("record {idx} is of row {}", record.row)));
        }
        parts.push(record.part);
    }
    if parts.len() != customers.len() {
        return Err(fail(format!("{} rows of a split for {} customers", parts.len(), customers.len())));
    }
    for part in [Part::Train, Part::Valid, Part::Test] {
        let outcomes =
            |wanted| customers.iter().zip(&parts).any(|(own, of)| *of == part && own.converted == wanted);
        if !(outcomes(true) && outcomes(false)) {
            return Err(fail(format!("{part:?} holds no customer that converted, or none that did not")));
        }
    }
    Ok((customers, parts))
}

fn customer(record: &Record) -> Result<Customer, String> {
    let flag = |name: &str, value: u8| match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(format!("`{name}` is {other}, neither 0 nor 1")),
    };
    let level = |name: &str, levels: &[&str], value: &str| {
        levels.iter().position(|level| *level == value).ok_or_else(|| format!("`{name}` is `{value:.40}`"))
    };
    if !RECENCIES.contains(&record.recency) {
        return Err(format!("`recency` is {}", record.recency));
    }
    if !(record.history > 0.0 && record.history.is_finite()) {
        return Err(format!("`history` is {}", record.history));
    }
    Ok(Customer {
        recency: record.recency,
        log_history: record.history.ln(),
        used_discount: flag("used_discount", record.used_discount)?,
        used_bogo: flag("used_bogo", record.used_bogo)?,
        zip_code: level("zip_code", &ZIP_CODES, &record.zip_code)?,
        is_referral: flag("is_referral", record.is_referral)?,
        channel: level("channel", &CHANNELS, &record.channel)?,
        offer: level("offer", &OFFERS, &record.offer)?,
        converted: flag("conversion", record.conversion)?,
    })
}

/// Customers of one part.
pub(super) fn of<'a>(customers: &'a [Customer], parts: &[Part], part: Part) -> Vec<&'a Customer> {
    customers.iter().zip(parts).filter(|(_, own)| **own == part).map(|(customer, _)| customer).collect()
}

/// Share of customers that converted.
pub(super) fn rate(customers: &[&Customer]) -> f64 {
    customers.iter().filter(|customer| customer.converted).count() as f64 / customers.len() as f64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HEADER: &str =
        "recency,history,used_discount,used_bogo,zip_code,is_referral,channel,offer,conversion";

    /// Reads six customers, two of each part; `change` may damage the two tables.
    fn read_changed(
        change: impl Fn(&mut String, &mut String),
    ) -> Result<(Vec<Customer>, Vec<Part>), Problem> {
        let folder = tempfile::tempdir().unwrap();
        let mut table = format!("{HEADER}\n");
        let mut split = "row,part\n".to_owned();
        for row in 0..6 {
            table += &format!("{},{}.5,1,0,Urban,0,Web,Discount,{}\n", row + 1, 30 + row, row % 2);
            split += &format!("{row},{}\n", ["train", "valid", "test"][row / 2]);
        }
        change(&mut table, &mut split);
        fs::create_dir(folder.path().join("promo")).unwrap();
        fs::write(folder.path().join("promo/promo64k.csv"), table).unwrap();
        fs::write(folder.path().join("promo/split.csv"), split).unwrap();
        let data = Some(folder.path().to_path_buf());
        read(&Places { models: PathBuf::new(), data, cache: PathBuf::new() })
    }

    #[test]
    fn customers_are_read_with_their_parts() {
        let (customers, parts) = read_changed(|_, _| ()).unwrap();
        assert_eq!((customers.len(), parts.len()), (6, 6));
        assert_eq!(of(&customers, &parts, Part::Valid).len(), 2);
        assert_eq!(rate(&of(&customers, &parts, Part::Test)), 0.5);
        assert_eq!((customers[5].recency, customers[5].offer, customers[5].zip_code), (6, 1, 2));
        // Columns may stand in another order and others beside them.
        let with_more = read_changed(|table, _| {
            *table = table.replace(HEADER, &format!("note,{HEADER}")).replace('\n', "\nx,");
            table.truncate(table.len() - 2);
        });
        assert_eq!(with_more.unwrap().0.len(), 6);
    }

    #[test]
    fn damaged_tables_are_errors_that_name_the_place() {
        let message = |change: &dyn Fn(&mut String, &mut String)| read_changed(change).unwrap_err().message;
        let replaced = |from: &'static str, to: &'static str| {
            message(&|table: &mut String, _: &mut String| *table = table.replacen(from, to, 1))
        };
        assert!(replaced("30.5", "NaN").contains("row 0: `history` is NaN"));
        assert!(replaced("31.5", "inf").contains("row 1: `history` is inf"));
        assert!(replaced("31.5", "-1").contains("row 1: `history` is -1"));
        assert!(replaced("3,32.5", "0,32.5").contains("row 2: `recency` is 0"));
        assert!(replaced("Discount", "Free lunch").contains("row 0: `offer` is `Free lunch`"));
        assert!(replaced("Urban", "Moon").contains("row 0: `zip_code` is `Moon`"));
        assert!(replaced("30.5,1", "30.5,2").contains("`used_discount` is 2"));
        assert!(
            replaced("30.5", "thirty").contains("history") || replaced("30.5", "thirty").contains("float")
        );
        assert!(replaced("channel,", "chanel,").contains("channel"));
        assert!(replaced("Web,Discount,0", "Web").contains("fields"));
        let of_split = |from: &'static str, to: &'static str| {
            message(&|_: &mut String, split: &mut String| *split = split.replacen(from, to, 1))
        };
        assert!(of_split("5,test\n", "").contains("5 rows of a split for 6 customers"));
        assert!(of_split("3,valid", "4,valid").contains("record 3 is of row 4"));
        assert!(of_split("3,valid", "3,training").contains("training"));
        assert!(of_split("3,valid", "3,test").contains("Valid holds no customer"));
    }
}
