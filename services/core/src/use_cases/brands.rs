//! Brands of the own organization, and what briefs get from them.

use serde_json::{Value, json};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::BrandId;

use super::principal::Principal;
use super::record::Record;
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::brand::{Brand, BrandContent, BrandVersion, MOST_BRANDS};
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::brands::{BrandError, BrandStore, NewBrand};
use crate::ports::entropy::random_id;
use crate::ports::letters::{Letters, undrawable_message};

/// What the use cases of brands work with.
#[derive(Clone, Copy)]
pub struct BrandPorts<'a> {
    /// Brands.
    pub brands: &'a dyn BrandStore,
    /// Pictures.
    pub accounts: &'a dyn AccountStore,
    /// What can be drawn.
    pub letters: &'a dyn Letters,
    /// The audit log, the clock and random bytes.
    pub record: Record<'a>,
}

impl BrandPorts<'_> {
    fn now(&self) -> i64 {
        self.record.clock.now_micros()
    }
}

impl From<BrandError> for Problem {
    fn from(error: BrandError) -> Self {
        match error {
            BrandError::Account(error) => error.into(),
            BrandError::TooMany { most } => {
                let message = format!("there are {most} brands, as many as there may be; archive one");
                Self::new(Code::TooMany, "", message)
            }
            BrandError::Changed => Self::new(
                Code::Precondition,
                "if-match",
                "was changed since you read it; read it again and send the change with its new `ETag`",
            ),
            BrandError::Archived => archived("id"),
        }
    }
}

fn archived(field: &str) -> Problem {
    Problem::new(Code::BrandArchived, field, "is archived; restore it first, or name another one")
}

/// Makes a brand.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; those of a brief's kit and facts with the field;
/// [`Code::Letters`]; [`Code::PictureUnreadable`] for the logo; [`Code::TooMany`]; those of repeated writes.
pub async fn create(
    ports: &BrandPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    content: BrandContent,
) -> Result<Written<Brand>, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let content = checked(ports, by, content).await?;
    let id = BrandId(random_id(ports.record.entropy)?);
    let new = NewBrand { id, content, most: MOST_BRANDS, now: ports.now() };
    let written = ports.brands.create_brand(by.organization, write, &new).await?;
    if let Written::Fresh(brand) = &written {
        note(ports, by, Action::BrandMade, brand).await;
    }
    Ok(written)
}

/// The brands, newest first: those that are archived, or those that are not.
///
/// # Errors
/// `Code::Forbidden` without `briefs:read`; those of the store.
pub async fn list(
    ports: &BrandPorts<'_>,
    by: &Principal,
    archived: bool,
    page: Page,
) -> Result<Vec<Positioned<Brand>>, Problem> {
    by.expect(Scope::BriefsRead)?;
    Ok(ports.brands.brands(by.organization, archived, page).await?)
}

/// One brand, as it is or as it was in a version.
///
/// # Errors
/// `Code::Forbidden` without `briefs:read`; `Code::NotFound`.
pub async fn get(
    ports: &BrandPorts<'_>,
    by: &Principal,
    id: BrandId,
    version: Option<u32>,
) -> Result<Brand, Problem> {
    by.expect(Scope::BriefsRead)?;
    Ok(ports.brands.brand(by.organization, id, version).await?)
}

/// Makes another version of a brand; with `expected` only of one in that version.
///
/// # Errors
/// As [`create`]; `Code::NotFound`; [`Code::Precondition`]; [`Code::BrandArchived`].
pub async fn update(
    ports: &BrandPorts<'_>,
    by: &Principal,
    id: BrandId,
    content: BrandContent,
    expected: Option<u32>,
) -> Result<Brand, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let content = checked(ports, by, content).await?;
    let brand = ports.brands.update_brand(by.organization, id, &content, expected, ports.now()).await?;
    note(ports, by, Action::BrandChanged, &brand).await;
    Ok(brand)
}

/// Archives a brand or restores it; done twice it changes nothing.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; `Code::NotFound`; [`Code::TooMany`] for one that is restored.
pub async fn set_archived(
    ports: &BrandPorts<'_>,
    by: &Principal,
    id: BrandId,
    archived: bool,
) -> Result<Brand, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let before = ports.brands.brand(by.organization, id, None).await?;
    let brand = ports.brands.set_archived(by.organization, id, archived, MOST_BRANDS, ports.now()).await?;
    if before.archived_at.is_some() != archived {
        let action = if archived { Action::BrandArchived } else { Action::BrandRestored };
        note(ports, by, action, &brand).await;
    }
    Ok(brand)
}

async fn note(ports: &BrandPorts<'_>, by: &Principal, action: Action, brand: &Brand) {
    let after = json!({ "name": brand.content.book.kit.name, "version": brand.version });
    ports.record.note(by, by.organization, action, ("brand", brand.id), Some(after)).await;
}

/// A brand's content, with everything in it checked.
async fn checked(
    ports: &BrandPorts<'_>,
    by: &Principal,
    content: BrandContent,
) -> Result<BrandContent, Problem> {
    let BrandContent { book, logo } = content;
    let book = book.validated()?;
    let name = [("kit.name".to_owned(), book.kit.name.as_str())];
    let facts = book.facts.iter().enumerate();
    let facts = facts.map(|(idx, fact)| (format!("facts[{idx}].text"), fact.text.as_str()));
    let said = book.must_say.iter().enumerate();
    let said = said.map(|(idx, text)| (format!("must_say[{idx}]"), text.as_str()));
    for (field, text) in name.into_iter().chain(facts).chain(said) {
        let missing = ports.letters.undrawable(text);
        if !missing.is_empty() {
            return Err(Problem::new(Code::Letters, field, undrawable_message(&missing)));
        }
    }
    if let Some(asset) = logo {
        let found = ports.accounts.assets_by_id(by.context(), &[asset]).await?;
        if found.first().is_none_or(Option::is_none) {
            let message = "there is no such asset; upload the picture first";
            return Err(Problem::new(Code::PictureUnreadable, "logo", message));
        }
    }
    Ok(BrandContent { book, logo })
}

/// A brief's text with what it lacks of a brand, and the version of the brand. A text that is no JSON object
/// stays as it is: the brief's own reader says what is wrong with it.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; `Code::NotFound` for the brand; [`Code::BrandArchived`].
pub async fn completed(
    ports: &BrandPorts<'_>,
    by: &Principal,
    id: BrandId,
    text: &[u8],
) -> Result<(Vec<u8>, BrandVersion), Problem> {
    by.expect(Scope::BriefsWrite)?;
    let brand = ports.brands.brand(by.organization, id, None).await?;
    if brand.archived_at.is_some() {
        return Err(archived("brand"));
    }
    let version = BrandVersion { id, version: brand.version };
    let Ok(mut brief) = serde_json::from_slice::<Value>(text) else { return Ok((text.to_vec(), version)) };
    brand.content.book.complete(&mut brief);
    Ok((brief.to_string().into_bytes(), version))
}
