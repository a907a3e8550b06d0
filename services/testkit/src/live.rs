//! Finds the servers that `infra/servers.sh` started, and gives each test its own names in them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use spotwright_bus::rabbit::topology::TopologyOptions;
use spotwright_bus::rabbit::{RabbitOptions, delete_topology};

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration; the servers are named here alone"
)]
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn variable(name: &str) -> String {
    optional(name)
        .unwrap_or_else(|| panic!("{name} is not set: run infra/test.sh, or infra/servers.sh start"))
}

/// Address of the private RabbitMQ.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn amqp_url() -> String {
    variable("SPOTWRIGHT_TEST_AMQP_URL")
}

/// Address of the private PostgreSQL.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn postgres_url() -> String {
    variable("SPOTWRIGHT_TEST_POSTGRES_URL")
}

/// How many kills a shape must survive: `SPOTWRIGHT_KILLS`, else the quick profile's 30.
///
/// # Panics
/// When it is not a number.
#[must_use]
pub fn kills() -> usize {
    optional("SPOTWRIGHT_KILLS").map_or(30, |number| number.parse().expect("SPOTWRIGHT_KILLS is a number"))
}

/// The `spotwright-fault-child` of an older version, where `SPOTWRIGHT_OLD_PROGRAM` names one.
#[must_use]
pub fn old_program() -> Option<PathBuf> {
    optional("SPOTWRIGHT_OLD_PROGRAM").map(PathBuf::from)
}

/// The socket of an address like `amqp://guest:guest@127.0.0.1:5672/%2f`.
///
/// # Panics
/// When the host is not a numeric address with a port.
#[must_use]
pub fn socket_of(url: &str) -> SocketAddr {
    let host = url.rsplit('@').next().and_then(|rest| rest.trim_start_matches("amqp://").split('/').next());
    host.and_then(|host| host.parse().ok())
        .unwrap_or_else(|| panic!("{url} has no numeric address with a port"))
}

/// The same address by way of another socket, e.g. that of a proxy.
#[must_use]
pub fn by_way_of(url: &str, socket: SocketAddr) -> String {
    url.replace(&socket_of(url).to_string(), &socket.to_string())
}

/// Options with names of the test's own and short delays.
#[must_use]
pub fn rabbit_options(test: &str) -> RabbitOptions {
    let shortened: String = test.chars().take(60).collect();
    let mut options = RabbitOptions::new(&amqp_url());
    options.topology = TopologyOptions {
        // Tests of one name run one at a time in a process.
        prefix: format!("test.{}.{shortened}.", std::process::id()),
        retry_delays: [200, 700, 6000].map(Duration::from_millis).to_vec(),
        ..TopologyOptions::default()
    };
    options.seed = u64::from(std::process::id());
    options
}

/// Deletes the queues of a test when it ends, passed or failed.
#[derive(Debug)]
pub struct Cleanup {
    options: RabbitOptions,
}

impl Cleanup {
    /// Deletes what is declared under these options when dropped.
    #[must_use]
    pub fn of(options: &RabbitOptions) -> Self {
        Self { options: RabbitOptions { url: amqp_url(), ..options.clone() } }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let options = self.options.clone();
        // A thread of its own: a runtime cannot wait inside another.
        let deletion = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.map(|runtime| runtime.block_on(delete_topology(&options)))
        });
        match deletion.join() {
            Ok(Ok(Ok(()))) => {}
            trouble => eprintln!("the queues of a test are left behind: {trouble:?}"),
        }
    }
}
