//! The contract of [`BrandStore`]. Each function is one test; see [`crate::brand_store_suite`]. The store must
//! also be an [`AccountStore`], in which organizations are.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::brand::{Brand, BrandContent};
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::brands::{BrandError, BrandStore, NewBrand};
use spotwright_schemas::brief::BrandBook;
use spotwright_schemas::ids::{AssetId, BrandId, OrganizationId};

use super::accounts::organization;
use crate::fixtures;

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! brand_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::brand_store_suite!(@each $open, $([$when])?;
                a_brand_is_written_once_and_read_back,
                every_change_is_a_version_and_versions_stay,
                of_changes_that_expect_one_version_one_is_made,
                an_archived_brand_takes_no_changes,
                an_organization_has_so_many_brands,
                brands_of_another_organization_are_missing
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::brand_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::brand_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::brands::$test(store).await;
        }
    };
}

const ALL: Page = Page { before: None, limit: 100 };

fn write(name: &str) -> WriteKey {
    let mut fingerprint = [0; 32];
    for (place, byte) in fingerprint.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    WriteKey { key: name.to_owned(), fingerprint }
}

fn content(name: &str) -> BrandContent {
    let brief = fixtures::brief();
    let mut kit = brief.brand;
    name.clone_into(&mut kit.name);
    let book = BrandBook {
        kit,
        facts: brief.product.facts,
        must_say: vec!["since 1901".to_owned()],
        must_not_say: vec!["最".to_owned()],
    };
    BrandContent { book, logo: Some(AssetId::derive(1, "asset", 0)) }
}

fn new(number: u64) -> NewBrand {
    let id = BrandId::derive(number, "brand", 0);
    NewBrand { id, content: content(&format!("Brand {number}")), most: 100, now: 5 }
}

async fn made(store: &impl BrandStore, own: OrganizationId, number: u64) -> Brand {
    let written = store.create_brand(own, &write(&format!("brand {number}")), &new(number)).await;
    written.expect("a brand").into_inner()
}

async fn listed(store: &impl BrandStore, own: OrganizationId, archived: bool) -> Vec<BrandId> {
    let page: Vec<Positioned<Brand>> = store.brands(own, archived, ALL).await.expect("brands");
    page.into_iter().map(|row| row.row.id).collect()
}

fn is_missing<T>(result: &Result<T, BrandError>) -> bool {
    matches!(result, Err(BrandError::Account(AccountError::Missing(_))))
}

/// `create_brand`, `brand`, `brands`.
pub async fn a_brand_is_written_once_and_read_back<S: AccountStore + BrandStore>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let first = made(&*store, own, 1).await;
    assert_eq!((first.version, first.created_at, first.archived_at), (1, 5, None));
    assert_eq!(first.content, new(1).content);
    let again = store.create_brand(own, &write("brand 1"), &new(2)).await.expect("again");
    assert_eq!(again, Written::Replayed(first.clone()));
    let second = made(&*store, own, 2).await;
    assert_eq!(listed(&*store, own, false).await, [second.id, first.id]);
    assert_eq!(store.brand(own, first.id, None).await.expect("the brand"), first);
}

/// Clause 2.
pub async fn every_change_is_a_version_and_versions_stay<S: AccountStore + BrandStore>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let first = made(&*store, own, 1).await;
    let second = store.update_brand(own, first.id, &content("Renamed"), None, 9).await.expect("changed");
    assert_eq!((second.version, second.created_at, second.updated_at), (2, 5, 9));
    assert_eq!(second.content, content("Renamed"));
    assert_eq!(store.brand(own, first.id, Some(1)).await.expect("version 1"), first);
    assert_eq!(store.brand(own, first.id, Some(2)).await.expect("version 2"), second);
    assert!(is_missing(&store.brand(own, first.id, Some(3)).await));
}

/// Clause 3.
pub async fn of_changes_that_expect_one_version_one_is_made<S: AccountStore + BrandStore + 'static>(
    store: Arc<S>,
) {
    let own = organization(&*store, 1).await.organization;
    let id = made(&*store, own, 1).await.id;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = Arc::clone(&store);
            let change = content(&format!("Change {number}"));
            tokio::spawn(async move { store.update_brand(own, id, &change, Some(1), 9).await })
        })
        .collect();
    let mut changed = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(brand) => {
                assert_eq!(brand.version, 2);
                changed += 1;
            }
            Err(BrandError::Changed) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(changed, 1);
}

/// `set_archived`.
pub async fn an_archived_brand_takes_no_changes<S: AccountStore + BrandStore>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let id = made(&*store, own, 1).await.id;
    let archived = store.set_archived(own, id, true, 100, 7).await.expect("archived");
    assert_eq!(archived.archived_at, Some(7));
    assert_eq!(store.set_archived(own, id, true, 100, 8).await.expect("archived again"), archived);
    let refused = store.update_brand(own, id, &content("x"), None, 9).await;
    assert!(matches!(refused, Err(BrandError::Archived)), "{refused:?}");
    assert!(listed(&*store, own, false).await.is_empty());
    assert_eq!(listed(&*store, own, true).await, [id]);
    let restored = store.set_archived(own, id, false, 100, 9).await.expect("restored");
    assert_eq!((restored.archived_at, restored.version), (None, 1));
}

/// `NewBrand::most`.
pub async fn an_organization_has_so_many_brands<S: AccountStore + BrandStore>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let first = made(&*store, own, 1).await.id;
    let another = NewBrand { most: 1, ..new(2) };
    let refused = store.create_brand(own, &write("another"), &another).await;
    assert!(matches!(refused, Err(BrandError::TooMany { most: 1 })), "{refused:?}");
    store.set_archived(own, first, true, 1, 7).await.expect("archived");
    store.create_brand(own, &write("another"), &another).await.expect("there is room");
    let refused = store.set_archived(own, first, false, 1, 8).await;
    assert!(matches!(refused, Err(BrandError::TooMany { most: 1 })), "{refused:?}");
}

/// Clause 1.
pub async fn brands_of_another_organization_are_missing<S: AccountStore + BrandStore>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let other = organization(&*store, 2).await.organization;
    let brand = made(&*store, own, 1).await;
    assert!(is_missing(&store.brand(other, brand.id, None).await));
    assert!(is_missing(&store.brand(other, brand.id, Some(1)).await));
    assert!(is_missing(&store.update_brand(other, brand.id, &content("x"), None, 9).await));
    assert!(is_missing(&store.set_archived(other, brand.id, true, 100, 9).await));
    assert!(listed(&*store, other, false).await.is_empty());
    assert_eq!(store.brand(own, brand.id, None).await.expect("the brand"), brand);
}
