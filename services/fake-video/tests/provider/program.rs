//! The provider as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use spotwright_fake_video::{Fault, Log, Route};

use crate::client::send;

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(arguments: &[&str]) -> (Program, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spotwright-fake-video"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Program(child), line.trim().to_owned())
}

#[tokio::test]
async fn it_prints_its_address_and_keeps_what_the_command_line_says() {
    let (program, address) =
        start(&["--dialect", "sglang", "--logical", "--fault", "create:2:status=503", "--work-ms", "1000"]);
    let asked = json!({"prompt": "a", "seconds": 1, "size": "64x64"}).to_string().into_bytes();
    let create = async || send("POST", &format!("{address}/v1/videos"), &[], asked.clone()).await;
    let created = create().await.unwrap();
    assert_eq!((created.status, created.json()["seed"].as_u64()), (200, Some(1024)));
    assert_eq!(create().await.unwrap().status, 503);
    let moved = send("POST", &format!("{address}/__advance?ms=3000"), &[], Vec::new()).await.unwrap();
    assert_eq!(moved.status, 200);
    let log = send("GET", &format!("{address}/__log"), &[], Vec::new()).await.unwrap();
    let log: Log = serde_json::from_slice(&log.body).unwrap();
    assert_eq!((log.generations.len(), log.generations[0].end.as_str()), (1, "done"));
    assert_eq!(log.calls_on(Route::Create).nth(1).unwrap().faults, [Fault::Status(503)]);
    drop(program);
}

#[test]
fn a_fault_that_cannot_be_read_ends_it_with_words() {
    let ended = Command::new(env!("CARGO_BIN_EXE_spotwright-fake-video"))
        .args(["--fault", "create:2:nonsense"])
        .output()
        .unwrap();
    assert!(!ended.status.success() && ended.stdout.is_empty());
    assert!(String::from_utf8(ended.stderr).unwrap().contains("create:2:nonsense"));
}
