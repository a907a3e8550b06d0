//! What was made in a run, and what became of it.

use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::domain::withdrawal::Withdrawal;
use spotwright_schemas::outcome::Delivery;

/// Variants of one run with their placements in its own campaigns.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The variants, by generation and number.
    pub variants: &'a [Variant],
    /// The placements, at most one of each variant.
    pub placements: &'a [Placement],
}

impl<'a> Shown<'a> {
    /// The placement of a variant, if it was placed.
    #[must_use]
    pub fn placement_of(self, variant: &Variant) -> Option<&'a Placement> {
        self.placements.iter().find(|placement| placement.variant == variant.id)
    }

    /// What the audience did with a variant; zeros when it was not shown.
    #[must_use]
    pub fn delivery_of(self, variant: &Variant) -> Delivery {
        self.placement_of(variant)
            .and_then(|placement| placement.delivery.as_ref())
            .map_or_else(Delivery::default, |row| row.delivery)
    }

    /// The variants that were published.
    pub fn winners(self) -> impl Iterator<Item = &'a Variant> {
        self.variants.iter().filter(|variant| variant.state == VariantState::Won)
    }

    /// The variants that were withdrawn, with the reason.
    pub fn withdrawn(self) -> impl Iterator<Item = (&'a Variant, &'a Withdrawal)> {
        self.variants.iter().filter_map(|variant| Some((variant, variant.body.withdrawal.as_ref()?)))
    }

    /// The deliveries of one generation, summed: of its winners, and of those that were withdrawn by now.
    #[must_use]
    pub fn delivered(self, generation: u32) -> Delivery {
        let mut sum = Delivery::default();
        for variant in self.variants.iter().filter(|variant| variant.generation == generation) {
            let delivery = self.delivery_of(variant);
            sum.impressions += delivery.impressions;
            sum.clicks += delivery.clicks;
            sum.conversions += delivery.conversions;
            sum.spend += delivery.spend;
        }
        sum
    }
}
