//! Says which ads of a platform show a variant.

use std::collections::BTreeSet;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::launch::ExternalRef;

use super::ResultsError;
use crate::domain::account::Scope;
use crate::domain::observation::PlatformName;
use crate::ports::observations::ObservationStore;
use crate::use_cases::Principal;

/// Most ads that show one variant.
const MOST_REFS: usize = 200;

/// Longest account or id in characters.
const LONGEST: usize = 200;

/// The external references of a variant.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; `AccountError::Missing` for a variant of another organization.
pub async fn external_refs(
    principal: &Principal,
    store: &dyn ObservationStore,
    variant: VariantId,
) -> Result<Vec<ExternalRef>, ResultsError> {
    principal.expect(Scope::ResultsRead)?;
    Ok(store.refs(principal.organization, variant).await?)
}

/// Replaces the external references of a variant. What was handed in about these ads before is of the variant
/// from then on.
///
/// # Errors
/// `Code::Forbidden` without `results:write`; [`Code::RequestValue`] with the index of a reference that is
/// malformed, given twice, or of another variant; `AccountError::Missing` for a variant of another organization.
pub async fn put_external_refs(
    principal: &Principal,
    store: &dyn ObservationStore,
    variant: VariantId,
    refs: &[ExternalRef],
) -> Result<Vec<ExternalRef>, ResultsError> {
    principal.expect(Scope::ResultsWrite)?;
    check(refs)?;
    if let Some(index) = store.put_refs(principal.organization, variant, refs).await? {
        let message = "is the ad of another variant; an ad stands for one";
        return Err(refused(index, "id", message).into());
    }
    Ok(store.refs(principal.organization, variant).await?)
}

fn refused(index: usize, field: &str, message: &str) -> Problem {
    Problem::new(Code::RequestValue, format!("external_refs[{index}].{field}"), message)
}

/// Checks names at platforms: their number, their form, and that none is given twice.
///
/// # Errors
/// [`Code::RequestValue`] with the index.
pub fn check(refs: &[ExternalRef]) -> Result<(), Problem> {
    if refs.len() > MOST_REFS {
        let message = format!("at most {MOST_REFS} are kept");
        return Err(Problem::new(Code::RequestValue, "external_refs", message));
    }
    let mut seen = BTreeSet::new();
    for (index, own) in refs.iter().enumerate() {
        if PlatformName::parse(&own.platform).is_none() {
            let message = "is a name of lower-case letters, digits and underscores, e.g. `meta`";
            return Err(refused(index, "platform", message));
        }
        let fits = |text: &str| text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        if !fits(&own.account) {
            return Err(refused(index, "account", "has at most 200 characters, none of control"));
        }
        if !fits(&own.id) || own.id.trim().is_empty() {
            return Err(refused(index, "id", "has 1 to 200 characters, none of control"));
        }
        if !seen.insert((&own.platform, &own.id)) {
            return Err(refused(index, "id", "is given twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_is_wrong_is_named_by_its_index() {
        let own = |platform: &str, id: &str| ExternalRef {
            platform: platform.to_owned(),
            account: String::new(),
            id: id.to_owned(),
        };
        check(&[own("meta", "1"), own("tiktok", "1")]).unwrap();
        for (refs, field) in [
            ([own("meta", "1"), own("Meta Ads", "2")], "external_refs[1].platform"),
            ([own("meta", "1"), own("meta", "1")], "external_refs[1].id"),
            ([own("meta", " "), own("meta", "1")], "external_refs[0].id"),
            ([own("meta", "1\n"), own("meta", "1")], "external_refs[0].id"),
        ] {
            assert_eq!(check(&refs).unwrap_err().field, field);
        }
    }
}
