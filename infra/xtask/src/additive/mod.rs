//! Whether the descriptions of the REST API and of the messages only grew.
//!
//! Compared is what is checked in now with the versions that were committed last on the main line. Whoever
//! reads one of those and works by it must be able to go on: nothing is gone, nothing that was optional must
//! be given, nothing that was taken is refused. What is meant to break stands with its reason in
//! `schemas/accepted-breaks.json`.

mod bus;
mod http;
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

/// Committed versions of a file that are compared with, where nobody says otherwise: more than the last one,
/// because a change may come in several commits.
pub(crate) const VERSIONS: u32 = 5;

/// Compares one description with another: what breaks.
type Compare = fn(&Value, &Value) -> Vec<String>;

/// The descriptions, and how each is compared.
const DESCRIPTIONS: [(&str, Compare); 2] =
    [("schemas/generated/openapi.json", http::breaks), ("schemas/generated/asyncapi.yaml", bus::breaks)];

/// A break that was decided on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    /// What [`run`] says of it, to the letter.
    what: String,
    /// Why.
    why: String,
}

/// Compares both descriptions with up to `versions` committed ones each, beginning at `revision`.
pub(crate) fn run(top: &Path, revision: &str, versions: u32) -> anyhow::Result<()> {
    let accepted = fs::read_to_string(top.join("schemas/accepted-breaks.json"))?;
    let accepted: Vec<Accepted> = serde_json::from_str(&accepted).context("schemas/accepted-breaks.json")?;
    if let Some(entry) = accepted.iter().find(|entry| entry.why.trim().is_empty()) {
        bail!("an accepted break needs its reason: {}", entry.what);
    }
    let mut broken = BTreeSet::new();
    for (file, compare) in DESCRIPTIONS {
        let now = parse(file, &fs::read_to_string(top.join(file))?)?;
        let commits = committed(top, file, revision, versions)?;
        if commits.is_empty() {
            bail!("{file} has no committed version before {revision}: is this a whole clone?");
        }
        for commit in &commits {
            let before = parse(file, &git(top, &["show", &format!("{commit}:{file}")])?)?;
            broken.extend(compare(&before, &now));
        }
        eprintln!("additive: {file} beside {} committed versions", commits.len());
    }
    let unexpected: Vec<&str> = broken
        .iter()
        .map(String::as_str)
        .filter(|what| accepted.iter().all(|entry| entry.what != *what))
        .collect();
    if !unexpected.is_empty() {
        bail!(
            "{} changes break clients that work by a committed version (add what is new beside what was, or \
             accept it with its reason in schemas/accepted-breaks.json):\n{}",
            unexpected.len(),
            unexpected.join("\n")
        );
    }
    Ok(())
}

fn parse(file: &str, text: &str) -> anyhow::Result<Value> {
    let is_json = Path::new(file).extension().is_some_and(|extension| extension == "json");
    if is_json {
        return serde_json::from_str(text).with_context(|| file.to_owned());
    }
    serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{file}: {error}"))
}

/// The newest commits of the main line that changed the file, up to `revision`.
fn committed(top: &Path, file: &str, revision: &str, versions: u32) -> anyhow::Result<Vec<String>> {
    let most = format!("--max-count={versions}");
    let lines = git(top, &["log", "--first-parent", "--format=%H", &most, revision, "--", file])?;
    Ok(lines.lines().map(str::to_owned).collect())
}

fn git(top: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output =
        Command::new("git").current_dir(top).args(arguments).output().context("git cannot be started")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The fields of an object; none of anything else.
fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The described value at `pointer` without the field, or with another value.
    fn changed(document: &Value, pointer: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut document = document.clone();
        change(document.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}")));
        document
    }

    fn remove(name: &str) -> impl FnOnce(&mut Value) + '_ {
        move |value| {
            let gone = value.as_object_mut().and_then(|fields| fields.remove(name));
            assert!(gone.is_some(), "there is no {name}");
        }
    }

    fn top() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    fn read(file: &str) -> Value {
        parse(file, &fs::read_to_string(top().join(file)).unwrap()).unwrap()
    }

    /// What a case changes at its place.
    type Edit<'a> = Box<dyn FnOnce(&mut Value) + 'a>;

    #[test]
    fn the_descriptions_are_additions_to_themselves() {
        for (file, compare) in DESCRIPTIONS {
            let document = read(file);
            assert_eq!(compare(&document, &document), Vec::<String>::new(), "{file}");
        }
    }

    #[test]
    fn whatever_a_client_could_miss_is_found_in_the_rest_api() {
        let now = read(DESCRIPTIONS[0].0);
        let run = "/components/schemas/Run/properties";
        let order = "/components/schemas/RunRequestBody";
        let create = "/paths/~1v1~1runs/post";
        let cases: [(&str, Edit<'_>, &str); 9] = [
            ("/paths", Box::new(remove("/v1/runs/{id}")), "GET /v1/runs/{id} is gone"),
            (run, Box::new(remove("stage")), "Run, read: `stage` is gone"),
            (
                order,
                Box::new(|it| it["required"] = serde_json::json!(["brief", "seed"])),
                "RunRequestBody, sent: `seed` must be given",
            ),
            (
                "/components/schemas/RunRequestBody/properties/variants",
                Box::new(|it| it["maximum"] = 8.into()),
                "RunRequestBody, sent: `variants` maximum",
            ),
            (create, Box::new(|it| it["operationId"] = "startRun".into()), "POST /v1/runs is called"),
            (
                "/paths/~1v1~1runs/post/responses",
                Box::new(remove("201")),
                "POST /v1/runs: no answer 201 any more",
            ),
            (
                "/paths/~1v1~1assets/post/parameters/0",
                Box::new(|it| it["name"] = "called".into()),
                "POST /v1/assets: `called` must be given",
            ),
            (run, Box::new(|it| it["generation"]["type"] = "string".into()), "`generation` is `string`"),
            (
                "/components/schemas/ScopeName/enum",
                Box::new(|it| it.as_array_mut().unwrap().truncate(1)),
                "is no word any more",
            ),
        ];
        for (pointer, change, expected) in cases {
            let found = http::breaks(&now, &changed(&now, pointer, change));
            assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn what_is_added_breaks_nothing() {
        let now = read(DESCRIPTIONS[0].0);
        for (pointer, added) in [
            ("/components/schemas/Run/properties", "color"),
            ("/components/schemas/RunRequestBody/properties", "color"),
            ("/paths/~1v1~1runs", "patch"),
            ("/paths", "/v1/colors"),
        ] {
            let more = changed(&now, pointer, |it| it[added] = serde_json::json!({ "type": "string" }));
            assert_eq!(http::breaks(&now, &more), Vec::<String>::new(), "{pointer}");
            assert!(!http::breaks(&more, &now).is_empty(), "{pointer}: the way back is a break");
        }
    }

    #[test]
    fn whatever_a_consumer_could_miss_is_found_in_the_messages() {
        let now = read(DESCRIPTIONS[1].0);
        let channel = now["channels"].as_object().unwrap().keys().next().unwrap().clone();
        let name = |text: &str| text.replace('/', "~1");
        let at = format!("/channels/{}", name(&channel));
        let cases: [(&str, Edit<'_>, &str); 4] = [
            ("/channels", Box::new(remove(&channel)), "is gone"),
            (&at, Box::new(|it| it["address"] = "elsewhere".into()), "has another address"),
            ("/components/messages", Box::new(remove("variant.scored")), "message variant.scored is gone"),
            ("/components/schemas/Envelope/properties", Box::new(remove("time")), "`time` is gone"),
        ];
        for (pointer, change, expected) in cases {
            let found = bus::breaks(&now, &changed(&now, pointer, change));
            assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn a_break_is_found_in_a_repository_unless_it_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        let path = |file: &str| top.join(file);
        fs::create_dir_all(path("schemas/generated")).unwrap();
        let described = |field: &str| {
            serde_json::json!({ "paths": { "/v1/runs": { "get": { "operationId": "listRuns", "responses": { "200": {
                "content": { "application/json": { "schema": { "properties": { field: { "type": "string" } } } } }
            } } } } } })
            .to_string()
        };
        fs::write(path("schemas/generated/openapi.json"), described("stage")).unwrap();
        fs::write(path("schemas/generated/asyncapi.yaml"), "channels: {}\n").unwrap();
        fs::write(path("schemas/accepted-breaks.json"), "[]").unwrap();
        git(top, &["init", "--quiet"]).unwrap();
        git(top, &["add", "."]).unwrap();
        let author = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        git(top, &[author.as_slice(), &["commit", "--quiet", "-m", "first"]].concat()).unwrap();
        run(top, "HEAD", VERSIONS).unwrap();

        fs::write(path("schemas/generated/openapi.json"), described("state")).unwrap();
        let what = "GET /v1/runs 200: `stage` is gone";
        let refused = run(top, "HEAD", VERSIONS).unwrap_err().to_string();
        assert!(refused.contains(what), "{refused}");
        let accept = |why: &str| {
            let entry = serde_json::json!([{ "what": what, "why": why }]);
            fs::write(path("schemas/accepted-breaks.json"), entry.to_string()).unwrap();
        };
        accept(" ");
        assert!(run(top, "HEAD", VERSIONS).unwrap_err().to_string().contains("needs its reason"));
        accept("nobody has used it");
        run(top, "HEAD", VERSIONS).unwrap();
    }
}
