//! How models see a customer under an offer.

use spotwright_scoring::cross::{Shape, crossed, feature, slot};

use super::data::{CHANNELS, Customer, OFFERS, ZIP_CODES};

/// Embedded fields of the network, in their order.
const FIELDS: [&str; 8] = [
    "recency",
    "history in 10 bins",
    "used_discount",
    "used_bogo",
    "zip_code",
    "is_referral",
    "channel",
    "offer",
];
/// The offer with each other field, the two uses, and both uses with the offer.
const CROSSES: usize = FIELDS.len() - 1 + 2;
const DENSE: [&str; 4] = ["recency", "ln history", "ln recency", "max(0, ln history − ln 150)"];
const HISTORY_BINS: usize = 10;
const RECENCIES: usize = 13;
/// Below this spending the conversion rate does not depend on it; of 100, 150, 200, 250 and 400 the
/// best in cross-validation, though by little.
const KNEE: f64 = 150.0;

/// Sizes of the network; see [`super`] for how they were chosen.
pub(super) const SHAPE: Shape = Shape {
    fields: FIELDS.len(),
    crosses: CROSSES,
    dense: DENSE.len(),
    bits: 11,
    width: 4,
    layers: 2,
    hidden: [16, 8],
};

/// Columns of a logistic regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Numbers, flags, indicators, and numbers and flags within each offer.
    Crossed,
    /// These, and indicators of each recency and of each history bin.
    Binned,
    /// Those of [`Columns::Crossed`], the logarithm of recency, a knee in the logarithm of history,
    /// and products of recency, history and referral.
    Curved,
}

/// Centers, scales and bins of the rows that are fitted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Design {
    scales: [[f64; 2]; DENSE.len()],
    /// Upper ends of all history bins but the last.
    bins: Vec<f64>,
}

fn numbers(customer: &Customer) -> [f64; DENSE.len()] {
    let recency = f64::from(customer.recency);
    let history = customer.log_history;
    [recency, history, recency.ln(), (history - KNEE.ln()).max(0.0)]
}

impl Design {
    /// From the rows that are fitted; not empty.
    pub(super) fn new(train: &[&Customer]) -> Self {
        let n = train.len() as f64;
        let scales = std::array::from_fn(|idx| {
            let mean = train.iter().map(|customer| numbers(customer)[idx]).sum::<f64>() / n;
            let variance =
                train.iter().map(|customer| (numbers(customer)[idx] - mean).powi(2)).sum::<f64>() / n;
            [mean, variance.sqrt().max(1e-9)]
        });
        let mut histories: Vec<f64> = train.iter().map(|customer| customer.log_history).collect();
        histories.sort_by(f64::total_cmp);
        let bins =
            (1..HISTORY_BINS).map(|bin| histories[bin * (histories.len() - 1) / HISTORY_BINS]).collect();
        Self { scales, bins }
    }

    /// Center and scale of each dense number of the network.
    pub(super) fn scales(&self) -> Vec<[f64; 2]> {
        self.scales.to_vec()
    }

    /// Upper ends of the bins of ln history, all but the last.
    pub(super) fn bins(&self) -> Vec<f64> {
        self.bins.clone()
    }

    /// Names of the network's inputs in their order.
    pub(super) fn inputs() -> Vec<String> {
        let crosses = FIELDS[..FIELDS.len() - 1].iter().map(|field| format!("{field} × offer"));
        let uses = ["used_discount × used_bogo", "used_discount × used_bogo × offer"].map(str::to_owned);
        FIELDS
            .iter()
            .map(|&field| field.to_owned())
            .chain(crosses)
            .chain(uses)
            .chain(DENSE.map(str::to_owned))
            .collect()
    }

    fn dense(&self, customer: &Customer) -> [f64; DENSE.len()] {
        let numbers = numbers(customer);
        std::array::from_fn(|idx| (numbers[idx] - self.scales[idx][0]) / self.scales[idx][1])
    }

    fn bin(&self, customer: &Customer) -> usize {
        self.bins.partition_point(|end| *end < customer.log_history)
    }

    /// Columns of a logistic regression for a customer under an offer.
    pub(super) fn columns(&self, columns: Columns, customer: &Customer, offer: usize) -> Vec<f64> {
        let flag = |flag: bool| if flag { 0.5 } else { -0.5 };
        let [recency, history, log_recency, knee] = self.dense(customer);
        let (discount, bogo) = (flag(customer.used_discount), flag(customer.used_bogo));
        let referral = flag(customer.is_referral);
        let simple = [recency, history, discount, bogo, referral];
        let indicator =
            |level: usize, levels: usize| (0..levels).map(move |own| if own == level { 1.0 } else { 0.0 });
        let mut row = Vec::with_capacity(64);
        row.extend(simple);
        row.push(discount * bogo);
        row.extend(indicator(customer.zip_code, ZIP_CODES.len()));
        row.extend(indicator(customer.channel, CHANNELS.len()));
        row.extend(indicator(offer, OFFERS.len()));
        for own in 0..OFFERS.len() {
            row.extend(simple.map(|number| if own == offer { number } else { 0.0 }));
        }
        match columns {
            Columns::Crossed => {}
            Columns::Binned => {
                row.extend(indicator((customer.recency as usize).min(RECENCIES - 1), RECENCIES));
                row.extend(indicator(self.bin(customer), HISTORY_BINS));
            }
            Columns::Curved => {
                row.extend([log_recency, knee, recency * history, recency * referral, history * referral]);
            }
        }
        row
    }

    /// Slots and dense numbers of the network, flattened.
    pub(super) fn hashed(
        &self,
        customers: &[&Customer],
        offer: impl Fn(&Customer) -> usize,
    ) -> (Vec<u32>, Vec<f32>) {
        let mut slots = Vec::with_capacity(customers.len() * SHAPE.slots());
        let mut dense = Vec::with_capacity(customers.len() * SHAPE.dense);
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        for customer in customers {
            let values: [&str; FIELDS.len()] = [
                &customer.recency.to_string(),
                &self.bin(customer).to_string(),
                yes(customer.used_discount),
                yes(customer.used_bogo),
                ZIP_CODES[customer.zip_code],
                yes(customer.is_referral),
                CHANNELS[customer.channel],
                OFFERS[offer(customer)],
            ];
            let features: [u64; FIELDS.len()] = std::array::from_fn(|field| feature(field, values[field]));
            let [others @ .., offer] = features;
            let uses = crossed(others[2], others[3]);
            slots.extend(features.iter().map(|&own| slot(own, SHAPE.bits)));
            slots.extend(others.iter().map(|&own| slot(crossed(own, offer), SHAPE.bits)));
            slots.extend([uses, crossed(uses, offer)].map(|cross| slot(cross, SHAPE.bits)));
            dense.extend(self.dense(customer).map(|value| value as f32));
        }
        (slots, dense)
    }
}
