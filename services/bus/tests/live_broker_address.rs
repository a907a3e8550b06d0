//! Addresses of a real RabbitMQ: right over TLS, and wrong in the ways that people get them wrong.

#![expect(clippy::disallowed_methods, reason = "measures how long another party is waited for")]
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use spotwright_bus::rabbit::topology::TopologyOptions;
use spotwright_bus::rabbit::{ConnectError, RabbitBus, RabbitOptions, delete_topology};
use tokio::net::{TcpListener, TcpStream};

use common::tls_for_localhost;

/// Far more than an answer takes, and less than the patience with a broker that is not there.
const SECONDS: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "the servers are told through the environment")]
fn url() -> String {
    std::env::var("SPOTWRIGHT_TEST_AMQP_URL").expect("run infra/test.sh")
}

/// The host and port of the broker.
fn place() -> String {
    let url = url();
    url.rsplit('@').next().unwrap().trim_start_matches("amqp://").split('/').next().unwrap().to_owned()
}

fn options(url: &str, test: &str) -> RabbitOptions {
    let prefix = format!("test.{}.{test}.", std::process::id());
    RabbitOptions {
        topology: TopologyOptions { prefix, ..TopologyOptions::default() },
        ..RabbitOptions::new(url)
    }
}

/// TLS for `localhost` before the broker, and the certificate of its authority.
async fn tls_before_the_broker() -> (SocketAddr, String) {
    let (acceptor, pem) = tls_for_localhost();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut inside) = acceptor.accept(stream).await else { return };
                let mut broker = TcpStream::connect(place()).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut inside, &mut broker).await);
            });
        }
    });
    (address, pem)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn a_broker_behind_tls_is_reached_with_the_authority_and_not_without() {
    let (address, pem) = tls_before_the_broker().await;
    let secure =
        url().replace("amqp://", "amqps://").replace(&place(), &format!("localhost:{}", address.port()));
    let refused = RabbitBus::connect(options(&secure, "untrusted")).await.unwrap_err();
    assert!(matches!(&refused, ConnectError::Address(why) if why.contains("tls.ca_file")), "{refused:?}");
    let trusting = RabbitOptions { authorities: Some(pem), ..options(&secure, "tls") };
    let bus = RabbitBus::connect(trusting.clone()).await.unwrap();
    assert!(bus.dead_letters().await.unwrap().list(10).await.unwrap().is_empty());
    drop(bus);
    delete_topology(&trusting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn what_the_broker_refuses_is_known_in_seconds_with_what_to_change() {
    let place = place();
    for (url, advice) in [
        (format!("amqp://guest:s3cret@{place}/%2f"), "user and password"),
        (format!("amqp://nobody:s3cret@{place}/%2f"), "user and password"),
        (format!("amqp://guest:guest@{place}/nowhere"), "virtual host"),
        (format!("amqp://guest:guest@{place}/"), "virtual host"),
        (format!("amqps://guest:s3cret@{place}/%2f"), "does not speak TLS"),
    ] {
        let begin = Instant::now();
        let error = RabbitBus::connect(options(&url, "refused")).await.unwrap_err();
        let took = begin.elapsed();
        let ConnectError::Address(message) = &error else { unreachable!("{url}: {error:?}") };
        assert!(message.contains(advice), "{url}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
        assert!(took < SECONDS, "{url}: {took:?}");
    }
}
