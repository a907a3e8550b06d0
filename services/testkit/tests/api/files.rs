//! Variants and their files: ranges, validators, media types.

use proptest::prelude::*;
use reqwest::StatusCode;
use serde_json::json;

use crate::harness::{Server, Tenant, problem, text, video};

struct World {
    server: Server,
    tenant: Tenant,
    variant: String,
}

async fn world() -> World {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    World { server, tenant, variant }
}

impl World {
    fn file(&self, name: &str) -> reqwest::RequestBuilder {
        self.server.request(
            "GET",
            &format!("/v1/variants/{}/files/{name}", self.variant),
            Some(&self.tenant.key),
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variant_names_its_files_and_what_became_of_it() {
    let world = world().await;
    let path = format!("/v1/variants/{}", world.variant);
    let variant = world.server.get(&path, &world.tenant.key).await;
    assert_eq!((&variant["id"], &variant["state"]), (&json!(world.variant), &json!("won")));
    assert_eq!(variant["placement"]["source"], "simulated");
    assert_eq!(variant["script"]["lines"][0]["rests_on"], json!(["picked"]));
    assert!(variant["storyboard"]["shots"].is_array() && variant["score"]["model"].is_string());
    for file in ["video", "preview"] {
        let url = text(&variant[file]["url"]);
        let response = world.server.request("GET", &url, Some(&world.tenant.key)).send().await.unwrap();
        assert_eq!(response.headers()["etag"], format!("\"{}\"", text(&variant[file]["hash"])));
        let bytes = response.bytes().await.unwrap();
        assert_eq!(bytes, video(if file == "video" { "final" } else { "preview" }));
        assert_eq!(variant[file]["bytes"], bytes.len());
    }
    let poster = world.server.request("GET", &text(&variant["video"]["poster_url"]), Some(&world.tenant.key));
    let poster = poster.send().await.unwrap();
    assert_eq!(poster.headers()["content-type"], "image/jpeg");
    assert_eq!(poster.bytes().await.unwrap().as_ref(), b"\xff\xd8\xfffinal");
    let (status, _) = problem(world.file("secret").send().await.unwrap()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_the_file_gets_no_bytes() {
    let world = world().await;
    let whole = world.file("video").send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "video/mp4");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.headers()["cache-control"], "private, no-cache");
    let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
    for given in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = world.file("video").header("if-none-match", given).send().await.unwrap();
        assert_eq!(
            (again.status(), &again.headers()["etag"]),
            (StatusCode::NOT_MODIFIED, &tag.parse().unwrap())
        );
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let other = world.file("video").header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    let stale = world.file("video").header("if-range", "\"other\"").header("range", "bytes=0-9");
    assert_eq!(stale.send().await.unwrap().status(), StatusCode::OK);
    let fresh = world.file("video").header("if-range", tag).header("range", "bytes=0-9");
    assert_eq!(fresh.send().await.unwrap().status(), StatusCode::PARTIAL_CONTENT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_outside_the_file_is_refused_with_its_length() {
    let world = world().await;
    let response = world.file("video").header("range", "bytes=99999999-").send().await.unwrap();
    let length = video("final").len();
    assert_eq!(response.headers()["content-range"], format!("bytes */{length}"));
    assert_eq!(problem(response).await.1["code"], "SW1016");
}

#[test]
fn every_range_is_the_slice_that_was_asked_for() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(world());
    let whole = video("final");
    let length = whole.len();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(48));
    let ranges = (0..length, 0..length, 0..3_u8);
    runner
        .run(&ranges, |(one, other, kind)| {
            let (first, last) = (one.min(other), one.max(other));
            let (asked, expected) = match kind {
                0 => (format!("bytes={first}-{last}"), &whole[first..=last]),
                1 => (format!("bytes={first}-"), &whole[first..]),
                _ => (format!("bytes=-{}", last + 1), &whole[length - last - 1..]),
            };
            let response = runtime.block_on(world.file("video").header("range", asked).send()).unwrap();
            prop_assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
            let start = length - expected.len();
            let start = if kind == 0 { first } else { start };
            let told = format!("bytes {start}-{}/{length}", start + expected.len() - 1);
            prop_assert_eq!(response.headers()["content-range"].to_str().unwrap(), told);
            let bytes = runtime.block_on(response.bytes()).unwrap();
            prop_assert_eq!(bytes.as_ref(), expected);
            Ok(())
        })
        .unwrap();
}
