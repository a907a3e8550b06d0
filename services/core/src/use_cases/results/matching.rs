//! Finds the variants that ads show: by what was said of them, else by the names that launch packs write.

use std::collections::BTreeMap;

use spotwright_schemas::ids::OrganizationId;

use crate::domain::launch::ad_name;
use crate::domain::observation::{
    AdKey, AdNames, ImportReport, KEPT_REFUSALS, Link, NewObservation, ProductKey, UnmatchedAd,
    UnmatchedReason,
};
use crate::ports::accounts::AccountError;
use crate::ports::observations::{ObservationStore, Winner};

/// Winners of one generation and number that a name is compared with: those of the newest runs.
const CANDIDATES: u32 = 200;

/// Links rows to variants, and tells which ads have none.
pub(super) async fn link(
    store: &dyn ObservationStore,
    organization: OrganizationId,
    report: &mut ImportReport,
    rows: &mut [NewObservation],
) -> Result<(), AccountError> {
    let mut ads: BTreeMap<AdKey, AdNames> = BTreeMap::new();
    for row in rows.iter() {
        ads.entry(row.observation.ad.clone()).or_insert_with(|| row.observation.names.clone());
    }
    let ids: Vec<String> =
        ads.keys().filter_map(|ad| if let AdKey::Id(id) = ad { Some(id.clone()) } else { None }).collect();
    let named = store.links(organization, &report.platform, &ids).await?;
    let mut winners: BTreeMap<(u32, u32), Vec<Winner>> = BTreeMap::new();
    let mut links: BTreeMap<AdKey, Link> = BTreeMap::new();
    for (ad, names) in ads {
        let own = if let AdKey::Id(id) = &ad { named.get(id) } else { None };
        if let Some(link) = own {
            links.insert(ad, link.clone());
            continue;
        }
        let numbers = names.name.as_deref().and_then(numbers_of);
        if let Some((generation, number)) = numbers.filter(|numbers| !winners.contains_key(numbers)) {
            let found = store.winners_numbered(organization, generation, number, CANDIDATES).await?;
            winners.insert((generation, number), found);
        }
        let candidates = numbers.and_then(|numbers| winners.get(&numbers)).map_or(&[][..], Vec::as_slice);
        match by_name(names.name.as_deref().unwrap_or_default(), candidates) {
            Ok(link) => {
                links.insert(ad, link);
            }
            Err(reason) if report.unmatched.len() < KEPT_REFUSALS => {
                report.unmatched.push(UnmatchedAd { names, reason });
            }
            Err(_) => {}
        }
    }
    report.matched = links.len() as u64;
    for row in rows {
        row.link = links.get(&row.observation.ad).cloned();
    }
    Ok(())
}

/// The generation and number in a name that a launch pack has written: `…_g2-03_…`.
fn numbers_of(name: &str) -> Option<(u32, u32)> {
    let (generation, number) = name.split('_').nth(1)?.strip_prefix('g')?.split_once('-')?;
    Some((generation.parse().ok()?, number.parse().ok()?))
}

/// The variant whose name it is, if one alone has it.
fn by_name(name: &str, candidates: &[Winner]) -> Result<Link, UnmatchedReason> {
    let has_name = |winner: &&Winner| {
        let own = &winner.variant;
        let size = own.body.storyboard.size;
        ad_name(&winner.brief.id, own.generation, own.number, &own.body.script, size) == name
    };
    let mut found = candidates.iter().filter(has_name);
    match (found.next(), found.next()) {
        (None, _) => Err(UnmatchedReason::Unknown),
        (Some(_), Some(_)) => Err(UnmatchedReason::Ambiguous),
        (Some(winner), None) => Ok(Link {
            variant: winner.variant.id,
            direction: winner.variant.body.script.direction,
            product: ProductKey::of(&winner.brief),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_launch_pack_tells_generation_and_number() {
        let name = "morning-roast_g2-03_hook-question-bitter_9x16";
        assert_eq!(numbers_of(name), Some((2, 3)));
        for other in ["", "Hook A", "morning_roast", "a_g2_b", "a_gx-1_b"] {
            assert_eq!(numbers_of(other), None, "{other}");
        }
    }
}
