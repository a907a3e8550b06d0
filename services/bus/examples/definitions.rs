//! Prints the topology as RabbitMQ's definitions file, as kept in `infra/rabbitmq/definitions.json`.

use std::io::Write as _;

use spotwright_bus::rabbit::topology::{Topology, TopologyOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definitions = Topology::new(TopologyOptions::default())?.definitions();
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &definitions)?;
    Ok(writeln!(out)?)
}
