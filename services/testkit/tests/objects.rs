//! Artifacts as objects keep the contract of the port, in memory and over the S3 protocol.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod s3;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use object_store::memory::InMemory;
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_store::objects::{Limits, ObjectArtifacts, S3Options};

use crate::s3::{BUCKET, KEY, Server};

/// What is reopened by a test is found by the folder's name.
fn by_folder<T>(known: &Mutex<HashMap<PathBuf, T>>) -> MutexGuard<'_, HashMap<PathBuf, T>> {
    known.lock().unwrap()
}

fn in_memory(folder: &Path) -> ObjectArtifacts {
    static STORES: LazyLock<Mutex<HashMap<PathBuf, Arc<InMemory>>>> = LazyLock::new(Mutex::default);
    let store = Arc::clone(by_folder(&STORES).entry(folder.to_path_buf()).or_default());
    ObjectArtifacts::over(store, "artifacts", &folder.join("cache"), &Limits::default()).unwrap()
}

/// One server for all tests of this process.
static SERVER: LazyLock<(tempfile::TempDir, Server)> = LazyLock::new(|| {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    (folder, server)
});

/// A prefix of the bucket for each folder, and a new cache with each opening, so that what is read
/// comes from the server.
fn on_s3(folder: &Path) -> ObjectArtifacts {
    static OPENINGS: LazyLock<Mutex<HashMap<PathBuf, u32>>> = LazyLock::new(Mutex::default);
    let mut openings = by_folder(&OPENINGS);
    let opening = openings.entry(folder.to_path_buf()).or_default();
    *opening += 1;
    let cache = folder.join(format!("cache-{opening}"));
    ObjectArtifacts::s3(&options_for(folder), &cache, &Limits::default()).unwrap()
}

fn options_for(folder: &Path) -> S3Options {
    told(&SERVER.1, &format!("s3://{BUCKET}/{}", prefix_of(folder)))
}

/// What a client of a server is told.
fn told(server: &Server, url: &str) -> S3Options {
    S3Options {
        url: url.to_owned(),
        endpoint: server.endpoint.clone(),
        region: "us-east-1".to_owned(),
        access_key: KEY.0.to_owned(),
        secret_key: KEY.1.to_owned(),
        authorities: None,
    }
}

fn prefix_of(folder: &Path) -> String {
    ArtifactHash::of(folder.as_os_str().as_encoded_bytes()).0
}

/// The file in which the server keeps an artifact.
fn served_file(folder: &Path, hash: &ArtifactHash) -> PathBuf {
    SERVER.0.path().join(BUCKET).join(prefix_of(folder)).join(&hash.0[..2]).join(&hash.0)
}

spotwright_testkit::artifact_store_suite!(memory, in_memory);
spotwright_testkit::artifact_store_suite!(s3_protocol, on_s3);

#[test]
fn a_damaged_object_is_refused_until_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let hash = on_s3(folder.path()).put(b"whole").unwrap();
    std::fs::write(served_file(folder.path(), &hash), b"half!").unwrap();
    let store = on_s3(folder.path());
    assert!(matches!(store.get(&hash), Err(ArtifactError::Damaged(damaged)) if damaged == hash));
    assert!(matches!(store.path(&hash), Err(ArtifactError::Damaged(_))));
    store.put(b"whole").unwrap();
    assert_eq!(on_s3(folder.path()).get(&hash).unwrap(), b"whole");
}

#[test]
fn a_damaged_copy_on_this_machine_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_s3(folder.path());
    let hash = store.put(b"whole").unwrap();
    std::fs::write(store.path(&hash).unwrap(), b"half").unwrap();
    assert_eq!(store.get(&hash).unwrap(), b"whole");
    assert_eq!(std::fs::read(store.path(&hash).unwrap()).unwrap(), b"whole");
}

#[test]
fn a_file_larger_than_one_part_is_sent_in_parts_and_read_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("video.mp4");
    let bytes: Vec<u8> =
        (0..(35_u32 << 20)).map(|idx| (idx.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&file, &bytes).unwrap();
    let hash = on_s3(folder.path()).adopt(&file).unwrap();
    let store = on_s3(folder.path());
    assert!(store.contains(&hash).unwrap());
    assert!(store.get(&hash).unwrap() == bytes);
}

#[test]
fn an_artifact_is_known_without_being_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let hash = on_s3(folder.path()).put(b"bytes").unwrap();
    let store = on_s3(folder.path());
    assert!(store.contains(&hash).unwrap());
    assert!(!store.contains(&ArtifactHash::of(b"never put")).unwrap());
    assert!(!folder.path().join("cache-2/0").join(&hash.0[..2]).exists());
}

#[test]
fn what_this_machine_keeps_is_bounded_and_everything_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { cached_bytes: 2_500, ..Limits::default() };
    let cache = folder.path().join("small");
    let store = ObjectArtifacts::s3(&options_for(folder.path()), &cache, &limits).unwrap();
    let contents: Vec<Vec<u8>> = (0..20_u8).map(|byte| vec![byte; 1_000]).collect();
    let hashes: Vec<ArtifactHash> = contents.iter().map(|bytes| store.put(bytes).unwrap()).collect();
    let kept = |hash: &&ArtifactHash| cache.join("0").join(&hash.0[..2]).join(&hash.0).exists();
    assert_eq!(hashes.iter().filter(kept).count(), 2);
    for (hash, bytes) in hashes.iter().zip(&contents) {
        assert_eq!(store.get(hash).unwrap(), *bytes);
    }
    assert_eq!(hashes.iter().filter(kept).count(), 2);
}

/// Kind and words of what kept a store from opening.
fn trouble(opened: Result<ObjectArtifacts, ArtifactError>) -> (ErrorKind, String) {
    match opened {
        Err(ArtifactError::Io(error)) => (error.kind(), error.to_string()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_wrong_secret_a_wrong_bucket_and_a_wrong_address_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { call: Duration::from_secs(20), ..Limits::default() };
    let open = |options: &S3Options| ObjectArtifacts::s3(options, folder.path(), &limits);
    let right = options_for(folder.path());
    assert!(open(&right).is_ok());
    let wrong_secret = S3Options { secret_key: "another".to_owned(), ..right.clone() };
    let (_, words) = trouble(open(&wrong_secret));
    assert!(words.contains("SignatureDoesNotMatch"), "{words}");
    let wrong_bucket = S3Options { url: "s3://no-such-bucket/x".to_owned(), ..right.clone() };
    let (_, words) = trouble(open(&wrong_bucket));
    assert!(words.contains("NoSuchBucket"), "{words}");
    for url in ["", "ads", "https://ads"] {
        let wrong_url = S3Options { url: url.to_owned(), ..right.clone() };
        assert_eq!(trouble(open(&wrong_url)).0, ErrorKind::InvalidInput, "{url}");
    }
}

#[test]
fn a_server_that_never_answers_holds_nobody_longer_than_the_limit() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { call: Duration::from_millis(400), ..Limits::default() };
    let options = S3Options { endpoint, ..options_for(folder.path()) };
    // Without the limit this test would not end.
    trouble(ObjectArtifacts::s3(&options, folder.path(), &limits));
}

#[test]
fn a_server_that_goes_away_is_trouble_and_not_a_missing_artifact() {
    let (folder, served) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = Server::start(served.path());
    let limits = Limits { call: Duration::from_millis(900), ..Limits::default() };
    let options = told(&server, &format!("s3://{BUCKET}"));
    let store = ObjectArtifacts::s3(&options, folder.path(), &limits).unwrap();
    let kept = store.put(b"kept").unwrap();
    drop(server);
    assert!(matches!(store.put(b"new"), Err(ArtifactError::Io(_))));
    assert!(matches!(store.get(&ArtifactHash::of(b"new")), Err(ArtifactError::Io(_))));
    assert!(matches!(store.contains(&kept), Err(ArtifactError::Io(_))));
    // What is on this machine is read without the server.
    assert_eq!(store.get(&kept).unwrap(), b"kept");
}

#[tokio::test(flavor = "current_thread")]
async fn it_may_be_used_and_dropped_inside_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_s3(folder.path());
    let hash = store.put(b"bytes").unwrap();
    assert_eq!(store.get(&hash).unwrap(), b"bytes");
}
