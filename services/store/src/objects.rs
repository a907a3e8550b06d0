//! Artifacts in S3-compatible storage, or anything else `object_store` speaks to, with a bounded
//! cache of files on this machine.
//!
//! An artifact is the object `PREFIX/ab/abcdef…`. S3 shows an object whole or not at all, also one that
//! is sent in parts, so no reader sees half of one; parts of an upload that was interrupted are never
//! visible (a lifecycle rule of the bucket removes them). `put` answers after the storage did.
//!
//! The port is synchronous and may be called from anywhere, also inside a runtime: requests run on a
//! small runtime of this store's own, and the caller waits for at most [`Limits::call`].

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
    RetryConfig,
};
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_schemas::address;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;

use crate::cache::Cache;
use crate::folder::is_hash;

/// Files larger than this are sent in parts of this size: 16 MiB.
const PART: u64 = 16 * 1024 * 1024;

/// Longest wait for the first answer of a bucket.
const PROBE: Duration = Duration::from_secs(10);

/// A caller is let go this long after its call should have ended, should the runtime hang.
const GRACE: Duration = Duration::from_secs(5);

/// Where a bucket is and who asks.
#[derive(Clone)]
pub struct S3Options {
    /// `s3://bucket` or `s3://bucket/prefix`.
    pub url: String,
    /// `https://host` or `http://host:port` of a private server; empty for Amazon's.
    pub endpoint: String,
    /// Region, e.g. `us-east-1`.
    pub region: String,
    /// Key id; empty to take the credentials of the environment, as Amazon's programs do.
    pub access_key: String,
    /// Secret of the key.
    pub secret_key: String,
    /// Certificates of private authorities, as PEM, that are trusted beside the system's.
    pub authorities: Option<String>,
}

impl std::fmt::Debug for S3Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Options")
            .field("url", &address::shown(&self.url))
            .field("endpoint", &address::shown(&self.endpoint))
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// What one process may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest time of one call, all repetitions of its requests included.
    pub call: Duration,
    /// Bytes of files kept on this machine. The file used last always stays.
    pub cached_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { call: Duration::from_mins(1), cached_bytes: 2 << 30 }
    }
}

/// Keeps artifacts as objects.
#[derive(Debug)]
pub struct ObjectArtifacts {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    cache: Cache,
    limit: Duration,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
}

impl ObjectArtifacts {
    /// Opens a bucket and asks it for a listing, so that a wrong name or key is found at the start.
    /// Files are cached in a folder of this process' own below `cache`. Over `https`, the program
    /// installs the TLS provider before.
    ///
    /// # Errors
    /// [`ArtifactError::Io`]: of kind `InvalidInput` when the options cannot be right, `NotFound` or
    /// `PermissionDenied` when the storage refuses bucket or key, `InvalidData` when TLS fails.
    pub fn s3(options: &S3Options, cache: &Path, limits: &Limits) -> Result<Self, ArtifactError> {
        let (bucket, prefix) = bucket_and_prefix(&options.url)?;
        if options.endpoint.contains(['@', '?', '#']) {
            let message = "the endpoint holds no user, password or query; keys have settings of their own";
            return Err(wrong(message.to_owned()));
        }
        let mut builder = if options.access_key.is_empty() {
            AmazonS3Builder::from_env()
        } else {
            AmazonS3Builder::new()
                .with_access_key_id(&options.access_key)
                .with_secret_access_key(&options.secret_key)
        };
        if !options.region.is_empty() {
            builder = builder.with_region(&options.region);
        }
        if !options.endpoint.is_empty() {
            // Who names an http address wants it; nobody comes to it by a redirection.
            builder = builder
                .with_endpoint(options.endpoint.trim_end_matches('/'))
                .with_allow_http(options.endpoint.starts_with("http://"));
        }
        let mut client = ClientOptions::new()
            .with_allow_http(options.endpoint.starts_with("http://"))
            .with_connect_timeout((limits.call / 4).min(Duration::from_secs(5)))
            .with_read_timeout(limits.call / 4)
            .with_timeout(limits.call);
        for authority in certificates(options.authorities.as_deref())? {
            client = client.with_root_certificate(authority);
        }
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(5),
                ..BackoffConfig::default()
            },
            max_retries: 8,
            retry_timeout: limits.call,
        };
        let builder = builder.with_bucket_name(bucket);
        let build = |client: ClientOptions, retry: RetryConfig| {
            // The library's message may quote the endpoint.
            let built = builder.clone().with_client_options(client).with_retry(retry).build();
            built.map_err(|_| wrong("endpoint, region and keys do not fit together".to_owned()))
        };
        // What is wrong at the start is known in seconds; later, an outage is waited out.
        let short = limits.call.min(PROBE);
        let patient = RetryConfig { max_retries: 2, retry_timeout: short, ..retry.clone() };
        let probing = build(client.clone().with_timeout(short), patient)?;
        let opened = Self::over(Arc::new(build(client, retry)?), prefix, cache, limits)?;
        opened.listed(Arc::new(probing))?;
        Ok(opened)
    }

    /// Keeps artifacts below `prefix` of any store.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn over(
        objects: Arc<dyn ObjectStore>,
        prefix: &str,
        cache: &Path,
        limits: &Limits,
    ) -> Result<Self, ArtifactError> {
        let prefix = Key::parse(prefix)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("artifacts")
            .enable_all()
            .build()?;
        let cache = Cache::open(cache, limits.cached_bytes)?;
        Ok(Self { objects, prefix, cache, limit: limits.call, runtime: Some(runtime) })
    }

    /// Asks for the first page of a listing.
    fn list_some(&self) -> Result<(), ArtifactError> {
        self.listed(Arc::clone(&self.objects))
    }

    /// The same through another client, such as one that gives up soon.
    fn listed(&self, objects: Arc<dyn ObjectStore>) -> Result<(), ArtifactError> {
        let prefix = self.prefix.clone();
        let first = self.call(async move { objects.list_with_delimiter(Some(&prefix)).await.map(drop) })?;
        first.map_err(|error| ArtifactError::Io(unreachable_or(error)))
    }

    fn key(&self, hash: &ArtifactHash) -> Result<Key, ArtifactError> {
        if !is_hash(hash) {
            return Err(ArtifactError::Missing(hash.clone()));
        }
        Ok(self.prefix.clone().join(&hash.as_str()[..2]).join(hash.as_str()))
    }

    /// Runs a request to its end or its time limit, whatever thread this is.
    fn call<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {:?}", self.limit));
        let runtime = self.runtime.as_ref().ok_or_else(late)?;
        let (answer, waiting) = mpsc::sync_channel(1);
        let limit = self.limit;
        let task = runtime.spawn(async move {
            // Fails only when the caller has been let go.
            drop(answer.send(tokio::time::timeout(limit, work).await));
        });
        let Ok(Ok(done)) = waiting.recv_timeout(self.limit.saturating_add(GRACE)) else {
            task.abort();
            return Err(late().into());
        };
        Ok(done)
    }

    /// Fetches an object and checks it, and keeps it here.
    fn fetch(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        let (objects, key) = (Arc::clone(&self.objects), self.key(hash)?);
        let fetched = self.call(async move { objects.get(&key).await?.bytes().await })?;
        let bytes = fetched.map_err(|error| missing_or_io(error, hash))?;
        if ArtifactHash::of(&bytes) != *hash {
            return Err(ArtifactError::Damaged(hash.clone()));
        }
        Ok(bytes.into())
    }

    /// Keeps a copy here. The object is safe already, so trouble only costs another fetch.
    fn remember(&self, bytes: &[u8]) {
        if let Err(error) = self.cache.put(bytes) {
            tracing::warn!(%error, "an artifact cannot be cached on this machine");
        }
    }
}

impl ArtifactStore for ObjectArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError> {
        // Sent also when it is there: the same bytes change nothing, and a damaged object is mended.
        let hash = ArtifactHash::of(bytes);
        let (objects, key) = (Arc::clone(&self.objects), self.key(&hash)?);
        let payload = PutPayload::from(bytes.to_vec());
        let sent = self.call(async move { objects.put(&key, payload).await })?;
        sent.map_err(|error| ArtifactError::Io(unreachable_or(error)))?;
        self.remember(bytes);
        Ok(hash)
    }

    fn adopt(&self, file: &Path) -> Result<ArtifactHash, ArtifactError> {
        // The copy in the cache is what is sent: a writer that still holds the file open cannot
        // change an artifact behind its hash.
        let hash = self.cache.copy(file)?;
        // Opened at once: the cache may need its place for others before it is sent.
        let copy = std::fs::File::open(self.cache.path(&hash)?)?;
        let (objects, key) = (Arc::clone(&self.objects), self.key(&hash)?);
        self.call(async move { send(objects.as_ref(), &key, copy.into()).await })??;
        std::fs::remove_file(file)?;
        Ok(hash)
    }

    fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        match self.cache.get(hash) {
            Ok(bytes) => return Ok(bytes),
            Err(ArtifactError::Missing(_)) => {}
            Err(error) => tracing::warn!(%error, "a cached artifact is fetched again"),
        }
        let bytes = self.fetch(hash)?;
        self.remember(&bytes);
        Ok(bytes)
    }

    /// The path of the copy on this machine, fetched when there is none. It stays until
    /// [`Limits::cached_bytes`] of other artifacts were used after it.
    fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        if let Ok(path) = self.cache.path(hash) {
            return Ok(path);
        }
        let bytes = self.fetch(hash)?;
        self.cache.put(&bytes)?;
        self.cache.path(hash)
    }

    /// The bucket answers, and there is room on this machine for copies.
    fn probe(&self) -> Result<(), ArtifactError> {
        self.list_some()?;
        self.cache.probe()
    }

    fn remove(&self, hash: &ArtifactHash) -> Result<(), ArtifactError> {
        let Ok(key) = self.key(hash) else { return Ok(()) };
        let objects = Arc::clone(&self.objects);
        let removed = self.call(async move { objects.delete(&key).await })?;
        match removed.map_err(|error| missing_or_io(error, hash)) {
            Ok(()) | Err(ArtifactError::Missing(_)) => self.cache.remove(hash),
            Err(error) => Err(error),
        }
    }

    fn contains(&self, hash: &ArtifactHash) -> Result<bool, ArtifactError> {
        let Ok(key) = self.key(hash) else { return Ok(false) };
        let objects = Arc::clone(&self.objects);
        let asked = self.call(async move { objects.head(&key).await })?;
        match asked.map_err(|error| missing_or_io(error, hash)) {
            Ok(_) => Ok(true),
            Err(ArtifactError::Missing(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for ObjectArtifacts {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sends a file, in parts when it is large.
async fn send(objects: &dyn ObjectStore, key: &Key, mut file: File) -> Result<(), ArtifactError> {
    if file.metadata().await?.len() <= PART {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await?;
        let sent = objects.put(key, PutPayload::from(bytes)).await;
        return sent.map(drop).map_err(|error| ArtifactError::Io(unreachable_or(error)));
    }
    let upload = objects.put_multipart(key).await;
    let mut upload = upload.map_err(|error| ArtifactError::Io(unreachable_or(error)))?;
    let sent = send_parts(upload.as_mut(), file).await;
    if sent.is_err() {
        // The parts are invisible; that they cannot be removed either is no news to the caller.
        if let Err(error) = upload.abort().await {
            tracing::warn!(%error, "parts of an interrupted upload are left behind");
        }
    }
    sent
}

async fn send_parts(upload: &mut dyn MultipartUpload, mut file: File) -> Result<(), ArtifactError> {
    let failed = |error| ArtifactError::Io(unreachable_or(error));
    loop {
        let mut part = Vec::new();
        (&mut file).take(PART).read_to_end(&mut part).await?;
        if part.is_empty() {
            break;
        }
        upload.put_part(PutPayload::from(part)).await.map_err(failed)?;
    }
    upload.complete().await.map(drop).map_err(failed)
}

/// Settings that cannot be right.
fn wrong(message: String) -> ArtifactError {
    ArtifactError::Io(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// The certificates of a PEM text.
fn certificates(pem: Option<&str>) -> Result<Vec<Certificate>, ArtifactError> {
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let read = Certificate::from_pem_bundle(pem.as_bytes());
    read.map_err(|_| wrong("the certificates of private authorities are damaged".to_owned()))
}

/// Whether TLS failed below an error.
fn failed_in_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        // An I/O error hides the error that it wraps from its chain of sources.
        let wrapped = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| failed_in_tls(wrapped)) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// Splits `s3://bucket/prefix`.
fn bucket_and_prefix(url: &str) -> Result<(&str, &str), ArtifactError> {
    let malformed = || wrong(format!("`{}` is not of the form `s3://bucket/prefix`", address::shown(url)));
    let rest = url.strip_prefix("s3://").ok_or_else(malformed)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return Err(malformed());
    }
    Ok((bucket, prefix.trim_end_matches('/')))
}

fn missing_or_io(error: object_store::Error, hash: &ArtifactHash) -> ArtifactError {
    match error {
        // A bucket that is gone is trouble with the storage, not news of one artifact.
        object_store::Error::NotFound { ref source, .. } if !source.to_string().contains("NoSuchBucket") => {
            ArtifactError::Missing(hash.clone())
        }
        error => ArtifactError::Io(unreachable_or(error)),
    }
}

/// What the operating system would call it.
fn unreachable_or(error: object_store::Error) -> io::Error {
    let kind = match &error {
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied
        }
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        error if failed_in_tls(error) => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_prefix() {
        for (url, bucket, prefix) in
            [("s3://ads", "ads", ""), ("s3://ads/", "ads", ""), ("s3://my.ads/a/b/", "my.ads", "a/b")]
        {
            assert_eq!(bucket_and_prefix(url).unwrap(), (bucket, prefix), "{url}");
        }
        for url in ["", "ads", "s3://", "s3:///prefix", "s3://a b", "https://ads", "s3://user:pass@ads"] {
            let error = bucket_and_prefix(url).unwrap_err();
            assert!(!error.to_string().contains("pass"), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let options = S3Options {
            url: "s3://ads".to_owned(),
            endpoint: String::new(),
            region: String::new(),
            access_key: "AKIA".to_owned(),
            secret_key: "s3cret".to_owned(),
            authorities: None,
        };
        let shown = format!("{options:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("AKIA"), "{shown}");
    }
}
