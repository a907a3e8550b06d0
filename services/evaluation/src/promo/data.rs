//! The customers, and how models see them.

use std::path::PathBuf;

use serde::Deserialize;
use spotwright_schemas::Problem;
use spotwright_scoring::cross::slot;

use crate::command::Places;
use crate::inputs::{content_problem, data_file};

/// The offers, in the order of their indices.
pub(super) const OFFERS: [&str; 3] = ["Buy One Get One", "Discount", "No Offer"];
const ZIP_CODES: [&str; 3] = ["Rural", "Surburban", "Urban"];
const CHANNELS: [&str; 3] = ["Multichannel", "Phone", "Web"];
/// Embedded fields: recency, history bin, the two uses, zip code, referral, channel, offer.
pub(super) const FIELDS: usize = 8;
/// Wide-only crosses: the offer with each other field, the two uses, and both uses with the offer.
pub(super) const CROSSES: usize = FIELDS - 1 + 2;
/// Dense numbers: recency and log history.
pub(super) const DENSE: usize = 2;
const HISTORY_BINS: usize = 10;
/// Recency is in months, 1 to 12 in the table; larger ones share the last indicator.
const RECENCIES: usize = 13;

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
    recency: u32,
    log_history: f64,
    used_discount: bool,
    used_bogo: bool,
    zip_code: usize,
    is_referral: bool,
    channel: usize,
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
    if parts.len() != customers.len() || !parts.contains(&Part::Train) || !parts.contains(&Part::Test) {
        return Err(fail(format!("{} rows of a split for {} customers", parts.len(), customers.len())));
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

/// Share of customers that converted.
pub(super) fn rate(customers: &[&Customer]) -> f64 {
    customers.iter().filter(|customer| customer.converted).count() as f64 / customers.len() as f64
}

pub(super) fn log_odds(rate: f64) -> f64 {
    (rate / (1.0 - rate)).ln()
}

/// Centers, scales and bins of the train part.
pub(super) struct Design {
    recency: [f64; 2],
    log_history: [f64; 2],
    /// Upper ends of all history bins but the last.
    bins: Vec<f64>,
}

impl Design {
    /// From the train part; not empty.
    pub(super) fn new(train: &[&Customer]) -> Self {
        let moments = |field: fn(&Customer) -> f64| {
            let n = train.len() as f64;
            let mean = train.iter().map(|customer| field(customer)).sum::<f64>() / n;
            let variance = train.iter().map(|customer| (field(customer) - mean).powi(2)).sum::<f64>() / n;
            [mean, variance.sqrt().max(1e-9)]
        };
        let mut histories: Vec<f64> = train.iter().map(|customer| customer.log_history).collect();
        histories.sort_by(f64::total_cmp);
        let bins =
            (1..HISTORY_BINS).map(|bin| histories[bin * (histories.len() - 1) / HISTORY_BINS]).collect();
        Self {
            recency: moments(|customer| f64::from(customer.recency)),
            log_history: moments(|customer| customer.log_history),
            bins,
        }
    }

    fn dense(&self, customer: &Customer) -> [f64; DENSE] {
        [
            (f64::from(customer.recency) - self.recency[0]) / self.recency[1],
            (customer.log_history - self.log_history[0]) / self.log_history[1],
        ]
    }

    /// The columns of [`Design::linear`] and indicators of each recency and history bin.
    pub(super) fn binned(&self, customer: &Customer, offer: usize) -> Vec<f64> {
        let mut columns = self.linear(customer, offer);
        let recency = (customer.recency as usize).min(RECENCIES - 1);
        let bin = self.bin(customer);
        columns.extend((0..RECENCIES).map(|own| if own == recency { 1.0 } else { 0.0 }));
        columns.extend((0..HISTORY_BINS).map(|own| if own == bin { 1.0 } else { 0.0 }));
        columns
    }

    fn bin(&self, customer: &Customer) -> usize {
        self.bins.partition_point(|end| *end < customer.log_history)
    }

    /// Columns of the logistic regression under an offer: numbers and flags, indicators of zip
    /// code, channel and offer, and each number and flag within each offer.
    pub(super) fn linear(&self, customer: &Customer, offer: usize) -> Vec<f64> {
        let flag = |flag: bool| if flag { 0.5 } else { -0.5 };
        let [recency, history] = self.dense(customer);
        let numbers = [
            recency,
            history,
            flag(customer.used_discount),
            flag(customer.used_bogo),
            flag(customer.is_referral),
        ];
        let indicator = |level: usize| (0..3).map(move |own| if own == level { 1.0 } else { 0.0 });
        let mut columns = numbers.to_vec();
        columns.push(flag(customer.used_discount) * flag(customer.used_bogo));
        columns.extend(indicator(customer.zip_code));
        columns.extend(indicator(customer.channel));
        columns.extend(indicator(offer));
        for own in 0..OFFERS.len() {
            columns.extend(numbers.map(|number| if own == offer { number } else { 0.0 }));
        }
        columns
    }

    /// Slots and dense numbers of the network, flattened.
    pub(super) fn hashed(
        &self,
        customers: &[&Customer],
        offer: impl Fn(&Customer) -> usize,
        bits: u32,
    ) -> (Vec<u32>, Vec<f32>) {
        let mut slots = Vec::with_capacity(customers.len() * (FIELDS + CROSSES));
        let mut dense = Vec::with_capacity(customers.len() * DENSE);
        for customer in customers {
            let offer = OFFERS[offer(customer)];
            let yes = |flag: bool| if flag { "yes" } else { "no" };
            let (recency, bin) = (customer.recency.to_string(), self.bin(customer).to_string());
            let values: [&str; FIELDS] = [
                &recency,
                &bin,
                yes(customer.used_discount),
                yes(customer.used_bogo),
                ZIP_CODES[customer.zip_code],
                yes(customer.is_referral),
                CHANNELS[customer.channel],
                offer,
            ];
            slots.extend(values.iter().enumerate().map(|(field, value)| slot(field, value, bits)));
            for (field, value) in values[..FIELDS - 1].iter().enumerate() {
                slots.push(slot(FIELDS + field, &format!("{value}\u{1f}{offer}"), bits));
            }
            let uses = format!("{}\u{1f}{}", values[2], values[3]);
            slots.push(slot(2 * FIELDS - 1, &uses, bits));
            slots.push(slot(2 * FIELDS, &format!("{uses}\u{1f}{offer}"), bits));
            dense.extend(self.dense(customer).map(|value| value as f32));
        }
        (slots, dense)
    }
}
