//! Addresses of a real PostgreSQL: right over TLS, and wrong in the ways that people get them wrong.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

#[path = "../../bus/tests/common/mod.rs"]
mod common;

use std::net::SocketAddr;

use spotwright_store::postgres::{OpenError, PostgresStore, database};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use common::tls_for_localhost;

#[expect(clippy::disallowed_methods, reason = "the servers are told through the environment")]
fn server() -> String {
    std::env::var("SPOTWRIGHT_TEST_POSTGRES_URL").expect("run infra/test.sh")
}

/// The host and port in an address.
fn place(url: &str) -> String {
    let rest = url.split("://").nth(1).unwrap();
    rest.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned()
}

/// TLS for `localhost` before the database, agreed on as PostgreSQL does, and the certificate of its
/// authority.
async fn tls_before(place: String) -> (SocketAddr, String) {
    let (acceptor, pem) = tls_for_localhost();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (acceptor, place) = (acceptor.clone(), place.clone());
            tokio::spawn(async move {
                let mut request = [0; 8];
                stream.read_exact(&mut request).await.unwrap();
                assert_eq!(request, [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F], "a request for TLS");
                stream.write_all(b"S").await.unwrap();
                let Ok(mut inside) = acceptor.accept(stream).await else { return };
                let mut database = TcpStream::connect(place).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut inside, &mut database).await);
            });
        }
    });
    (address, pem)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn a_database_behind_tls_is_reached_with_the_authority_and_not_without() {
    let name = format!("test_tls_{}", std::process::id());
    let url = database::create(&server(), &name).await.unwrap();
    let (address, pem) = tls_before(place(&url)).await;
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, pem).unwrap();
    let bare = url.split('?').next().unwrap().replace(&place(&url), &format!("localhost:{}", address.port()));

    let checked = format!("{bare}?sslmode=verify-full");
    let refused = PostgresStore::connect(&checked, 1).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Address(why) if why.contains("tls.ca_file")), "{refused:?}");
    PostgresStore::connect_trusting(&checked, Some(&authority), 1).await.unwrap();
    let named = format!("{checked}&sslrootcert={}", authority.display());
    PostgresStore::connect(&named, 1).await.unwrap();
    PostgresStore::connect(&format!("{bare}?sslmode=require"), 1).await.unwrap();
    database::remove(&server(), &name).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn what_the_server_refuses_is_a_wrong_address_with_what_to_change() {
    let place = place(&server());
    for (url, said) in [
        (format!("postgres://nobody:s3cret@{place}/spotwright"), "user and password"),
        (format!("postgres://spotwright:s3cret@{place}/no_such_database"), "create it"),
        (format!("postgres://spotwright:s3cret@{place}/spotwright?sslmode=require"), "TLS"),
    ] {
        let error = PostgresStore::connect(&url, 1).await.unwrap_err();
        let OpenError::Address(message) = &error else { unreachable!("{url}: {error:?}") };
        assert!(message.contains(said) && !message.contains("s3cret"), "{url}: {message}");
    }
}
