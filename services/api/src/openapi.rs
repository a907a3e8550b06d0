//! The OpenAPI 3.1 description, made from the handlers and their types.
//!
//! What every operation has in common — who may call it, its key header, paging, the form of errors —
//! is added here from [`OPERATIONS`], so that it cannot be forgotten in one place.

pub(crate) mod foreign;
mod mend;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::operations::{Access, OPERATIONS, Operation};
use crate::problem::{MEDIA_TYPE, ProblemDocument};
use crate::v1::{
    ads, api_keys, approvals, assets, audit_log, brands, briefs, campaigns, comments, events, experiments,
    imports, insight, invitations, ledger, me, members, observations, operations as v1_operations,
    organizations, reports, requests, runs, sandbox, sessions, shared, shares, usage, variants, videos,
    views, webhooks,
};
use crate::{callbacks, kling, reference, service};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Spotwright",
        description = "From a brief to placed, measured, improving video ads.",
        contact(name = "The operator of the installation"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        service::alive,
        service::ready,
        service::openapi,
        service::error_page,
        reference::page,
        reference::file,
        organizations::list::handle,
        organizations::create::handle,
        organizations::read::handle,
        organizations::freeze::handle,
        organizations::unfreeze::handle,
        organizations::keys::list,
        organizations::keys::create,
        organizations::keys::revoke_all,
        organizations::keys::revoke,
        organizations::cancel_runs::handle,
        organizations::budget::read,
        organizations::budget::set,
        organizations::budget::post,
        organizations::budget::remove,
        organizations::get::handle,
        organizations::own_budget::handle,
        organizations::remove_demo::handle,
        events::list::handle,
        events::stream::handle,
        webhooks::list::handle,
        webhooks::create::handle,
        webhooks::get::handle,
        webhooks::update::handle,
        webhooks::delete::handle,
        webhooks::rotate::handle,
        webhooks::test::handle,
        webhooks::deliveries::handle,
        webhooks::replay_delivery::handle,
        webhooks::replay::handle,
        requests::list::handle,
        sessions::read::handle,
        sessions::open::handle,
        sessions::close::handle,
        me::get::handle,
        me::password::handle,
        me::sessions::handle,
        me::session_end::handle,
        members::list::handle,
        members::get::handle,
        members::role::handle,
        members::remove::handle,
        invitations::list::handle,
        invitations::create::handle,
        invitations::revoke::handle,
        invitations::look::handle,
        invitations::accept::handle,
        audit_log::list::handle,
        api_keys::list::handle,
        api_keys::create::handle,
        api_keys::get::handle,
        api_keys::revoke::handle,
        sandbox::clock::handle,
        sandbox::set::handle,
        sandbox::advance::handle,
        sandbox::next::handle,
        sandbox::empty::handle,
        assets::list::handle,
        assets::create::handle,
        assets::get::handle,
        assets::delete::handle,
        assets::content::handle,
        brands::list::handle,
        brands::create::handle,
        brands::get::handle,
        brands::update::handle,
        brands::archive::handle,
        brands::restore::handle,
        briefs::list::handle,
        briefs::check::handle,
        briefs::create::handle,
        briefs::get::handle,
        runs::list::handle,
        runs::create::handle,
        runs::get::handle,
        runs::pause::handle,
        runs::resume::handle,
        runs::cancel::handle,
        runs::signals::handle,
        runs::questions::handle,
        runs::events::handle,
        runs::trace::handle,
        runs::variants::handle,
        runs::winners::handle,
        runs::campaigns::handle,
        insight::calibration::handle,
        insight::calibration_csv::handle,
        insight::market::handle,
        insight::market_csv::handle,
        campaigns::list::handle,
        campaigns::create::handle,
        campaigns::rules::read,
        campaigns::rules::set,
        campaigns::get::handle,
        campaigns::ad_groups::handle,
        campaigns::ads::handle,
        campaigns::delivery::handle,
        campaigns::external_refs::read,
        campaigns::external_refs::set,
        campaigns::pause::handle,
        campaigns::resume::handle,
        campaigns::end::handle,
        ads::get::handle,
        ads::pause::handle,
        ads::resume::handle,
        ads::end::handle,
        reports::list::handle,
        reports::create::handle,
        reports::get::handle,
        reports::content::handle,
        v1_operations::get::handle,
        ledger::list::handle,
        ledger::export::handle,
        usage::get::handle,
        variants::get::handle,
        variants::script::handle,
        variants::storyboard::handle,
        variants::file::handle,
        variants::revisions::list::handle,
        variants::revisions::create::handle,
        variants::external_refs::read,
        variants::external_refs::set,
        approvals::get::handle,
        approvals::ask::handle,
        approvals::decide::handle,
        approvals::list::handle,
        comments::list::handle,
        comments::create::handle,
        comments::get::handle,
        comments::resolve::handle,
        comments::reopen::handle,
        shares::list::handle,
        shares::create::handle,
        shares::get::handle,
        shares::revoke::handle,
        views::list::handle,
        views::create::handle,
        views::delete::handle,
        shared::get::handle,
        shared::file::handle,
        shared::comments::handle,
        shared::comment::handle,
        shared::decide::handle,
        experiments::list::handle,
        experiments::create::handle,
        experiments::plan::handle,
        experiments::analyze::handle,
        experiments::elements::handle,
        experiments::get::handle,
        experiments::start::handle,
        experiments::pause::handle,
        experiments::resume::handle,
        experiments::stop::handle,
        experiments::decide::handle,
        experiments::allocation::handle,
        experiments::archive::handle,
        experiments::readouts::handle,
        experiments::decisions::handle,
        experiments::exposures::handle,
        imports::list::handle,
        imports::create::handle,
        imports::get::handle,
        observations::list::handle,
        observations::batch::handle,
        videos::list::handle,
        videos::create::handle,
        videos::get::handle,
        videos::delete::handle,
        videos::content::handle,
        kling::create::text,
        kling::create::image,
        kling::get::handle,
        kling::file::handle,
        callbacks::kling::handle
    ),
    components(schemas(ProblemDocument)),
    tags(
        (name = "service", description = "The service about itself"),
        (name = "organizations", description = "Customer accounts"),
        (name = "session", description = "Signing in from a browser"),
        (name = "me", description = "Whoever asks, about themselves"),
        (name = "members", description = "People of the own organization, and how they come to it"),
        (name = "audit-log", description = "What was changed in the own organization, and by whom"),
        (name = "api-keys", description = "Keys of the own organization"),
        (name = "sandbox", description = "Where test keys work: its clock, and emptying it"),
        (name = "assets", description = "Pictures that briefs refer to"),
        (name = "brands", description = "What the briefs of one brand have in common, in versions"),
        (name = "briefs", description = "What is to be advertised"),
        (name = "runs", description = "Executions of the agent loop"),
        (name = "campaigns", description = "What runs and people placed in the market, and how it went"),
        (name = "insight", description = "Predictions against what came of them, and the market as a whole"),
        (name = "reports", description = "Tables that are made on order"),
        (name = "money", description = "Where the organization's money went"),
        (name = "events", description = "What happened in the organization"),
        (name = "webhooks", description = "Addresses that are told what happens"),
        (name = "videos", description = "Single clips, in the dialect of `/v1/videos`"),
        (name = "kling", description = "Single clips, in the dialect of Kling"),
        (name = "variants", description = "Drafted advertisements, their videos and results"),
        (name = "reviews", description = "Approvals, comments, and links for reviewers without an account"),
        (name = "shared", description = "What such a link shows and takes, without a key"),
        (name = "views", description = "Pages of the portal that are kept under a name"),
        (name = "experiments", description = "Variants of a run, compared over users that chance divides"),
        (name = "results", description = "What ads did, by source: the simulated market and reports of platforms")
    )
)]
struct Handlers;

/// The description of the service.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(Handlers::openapi()).unwrap_or_default();
    drop_impossible_defaults(&mut document["components"]["schemas"]);
    mend::rows(&mut document["components"]["schemas"]);
    foreign::add(&mut document["components"]["schemas"]);
    mend::words(&mut document["components"]["schemas"]);
    document["components"]["securitySchemes"] = json!({
        "key": { "type": "http", "scheme": "bearer", "description": "An API key: `sw_live_…`, or `sw_test_…` for the sandbox" }
    });
    document["components"]["responses"] = json!({
        "Problem": {
            "description": "A problem (RFC 9457)",
            "headers": { "x-request-id": { "description": "Id of the request", "schema": { "type": "string" } } },
            "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } }
        }
    });
    for operation in OPERATIONS {
        let method = operation.method.to_ascii_lowercase();
        complete(operation, &mut document["paths"][operation.path][method]);
    }
    document["servers"] =
        json!([{ "url": "/", "description": "The service that answers with this description" }]);
    sorted(document)
}

/// The same value with the fields of every object in alphabetical order, whatever order the JSON
/// library was built to keep.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            fields.into_iter().map(|(name, value)| (name, sorted(value))).collect()
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// The description as text, as it is served and checked in.
#[must_use]
pub fn document_text() -> String {
    serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n"
}

/// Adds what follows from the list of operations.
fn complete(operation: &Operation, described: &mut Value) {
    let mut refusals = vec!["404", "405", "500", "503"];
    if described["description"].is_null() {
        // Where one sentence says all of it.
        described["description"] = described["summary"].clone();
    }
    described["security"] = match operation.access {
        Access::Public => json!([]),
        Access::AnyKey => json!([{ "key": [] }]),
        Access::Needs(scope) => json!([{ "key": [scope.as_str()] }]),
        Access::AnyOf(scopes) => scopes.iter().map(|scope| json!({ "key": [scope.as_str()] })).collect(),
    };
    if operation.access != Access::Public || operation.method != "GET" {
        refusals.extend(["400", "401", "403", "429"]);
    }
    if operation.path.starts_with("/v1/shared/") {
        refusals.extend(["400", "429"]);
    }
    mend::bodies(described);
    let mut parameters = Vec::new();
    add_tags(operation, described, &mut parameters);
    if operation.creates {
        refusals.extend(["409", "422"]);
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "A key of your choice, new for each request and the same when it is repeated",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }
        }));
        // What is made in the background is answered before it is there.
        let status = if described["responses"]["202"].is_null() { "201" } else { "202" };
        described["responses"][status]["headers"] = json!({
            "Location": { "description": "Where it can be read", "schema": { "type": "string" } },
            "Idempotency-Replayed": {
                "description": "`true` on an answer that was given before", "schema": { "type": "string" }
            }
        });
    } else if operation.method == "POST" || operation.path.starts_with("/v1/members/{id}") {
        refusals.push("409");
    }
    // Before the first day there are none; and a file of them may be lost.
    if operation.path.ends_with("/exposures") {
        refusals.extend(["409", "410"]);
    }
    if !described["requestBody"].is_null() {
        refusals.extend(["413", "415"]);
    }
    // What an organization may spend is told where it is spent or set.
    let starts_a_run = matches!(operation.path, "/v1/runs" | "/v1/variants/{id}/revisions");
    if operation.creates && starts_a_run || operation.path.ends_with("/budget") {
        refusals.push("402");
    }
    let is_change =
        operation.method == "PUT" && matches!(operation.path, "/v1/webhooks/{id}" | "/v1/brands/{id}");
    if takes_if_match(operation) {
        refusals.push("412");
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "The `ETag` of what is to be changed: 412 when it is another one by now",
            "schema": { "type": "string" }
        }));
    }
    if operation.method == "PUT" && operation.path == "/v1/brands/{id}" {
        refusals.push("409");
    }
    // Pictures that clips are made of are decoded while the request waits.
    let takes_picture =
        operation.method == "POST" && matches!(operation.path, "/v1/videos" | "/kling/v1/videos/image2video");
    if takes_picture
        || operation.path.ends_with("/signals")
        || operation.path.ends_with("/check")
        || is_change
    {
        refusals.push("422");
    }
    let is_file = matches!(operation.path, "/v1/assets/{id}/content" | "/v1/reports/{id}/content");
    if operation.path.ends_with("/files/{file}") || is_file {
        refusals.extend(["410", "416"]);
    }
    if is_list(described) {
        parameters.push(json!({
            "name": "cursor", "in": "query", "required": false,
            "description": "`next_cursor` of the page before",
            "schema": { "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$" }
        }));
        parameters.push(json!({
            "name": "limit", "in": "query", "required": false, "description": "Most rows of the page",
            "schema": { "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }
        }));
    }
    if let (false, Some(described)) = (parameters.is_empty(), described.as_object_mut()) {
        let known = described.entry("parameters").or_insert_with(|| json!([]));
        if let Some(known) = known.as_array_mut() {
            known.extend(parameters);
        }
    }
    let parameters = described.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if let Some(schema) = parameter.get_mut("schema") {
            never_null(schema);
        }
    }
    for status in refusals {
        described["responses"][status] = json!({ "$ref": "#/components/responses/Problem" });
    }
}

/// Whether a change may say what it has seen of the resource.
fn takes_if_match(operation: &Operation) -> bool {
    let changes = matches!(operation.method, "PUT" | "DELETE");
    changes
        && matches!(
            operation.path,
            "/v1/brands/{id}"
                | "/v1/webhooks/{id}"
                | "/v1/members/{id}"
                | "/v1/members/{id}/role"
                | "/v1/variants/{id}/external-refs"
                | "/v1/organizations/{id}/budget"
        )
}

/// Tells that a resource has a tag, and what a request may say of the one that it has.
fn add_tags(operation: &Operation, described: &mut Value, parameters: &mut Vec<Value>) {
    let json = described["responses"]["200"]["content"]["application/json"].is_object();
    if !crate::etag::is_resource(operation.path) || !json || !matches!(operation.method, "GET" | "PUT") {
        return;
    }
    described["responses"]["200"]["headers"]["ETag"] =
        json!({ "description": "The tag of what is answered", "schema": { "type": "string" } });
    if operation.method == "GET" {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The `ETag` of an earlier answer", "schema": { "type": "string" }
        }));
        described["responses"]["304"] = json!({ "description": "The client has it already" });
    }
}

/// Takes defaults away that the field itself refuses: a text that may not be empty, in a form whose fields
/// are read one by one. Such a field has to be given.
fn drop_impossible_defaults(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flat_map(|schemas| schemas.values_mut()) {
        let mut needed = Vec::new();
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, field) in properties.into_iter().flatten() {
            let Some(field) = field.as_object_mut() else { continue };
            let may_be_empty = field.get("minLength").and_then(Value::as_u64).unwrap_or(0) == 0;
            if !may_be_empty && field.get("default").is_some_and(|default| default == "") {
                field.remove("default");
                needed.push(json!(name));
            }
        }
        if let (false, Some(schema)) = (needed.is_empty(), schema.as_object_mut()) {
            let required = schema.entry("required").or_insert_with(|| json!([]));
            required.as_array_mut().into_iter().for_each(|required| required.append(&mut needed));
        }
    }
}

/// Takes `null` out of a parameter's type: what is left out of a query or header is not there, and the
/// text `null` is no number.
fn never_null(schema: &mut Value) {
    let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) else { return };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        schema["type"] = only;
    }
}

/// Whether an operation answers with pages.
fn is_list(described: &Value) -> bool {
    let schema = &described["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    schema.as_str().is_some_and(|name| name.contains("/Listing_"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn described() -> BTreeSet<(String, String)> {
        let document = document();
        let paths = document["paths"].as_object().expect("paths");
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().expect("operations").keys();
            methods.map(move |method| (method.to_ascii_uppercase(), path.clone()))
        });
        operations.collect()
    }

    #[test]
    fn the_description_holds_the_listed_operations_and_no_others() {
        let listed: BTreeSet<_> = OPERATIONS
            .iter()
            .map(|operation| (operation.method.to_owned(), operation.path.to_owned()))
            .collect();
        assert_eq!(described(), listed);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        found.push(reference.clone());
                    }
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn operations_have_different_names_and_a_tag() {
        let document = document();
        let mut names = BTreeSet::new();
        for operation in OPERATIONS {
            let described = &document["paths"][operation.path][operation.method.to_ascii_lowercase()];
            assert!(names.insert(described["operationId"].as_str().expect("a name").to_owned()));
            assert_eq!(described["tags"].as_array().map(Vec::len), Some(1), "{operation:?}");
            assert!(described["summary"].as_str().is_some_and(|text| !text.is_empty()), "{operation:?}");
        }
    }

    #[test]
    fn what_the_service_refuses_is_not_allowed_by_its_description() {
        let document = document();
        let parameter = |path: &str, name: &str| {
            let parameters = document["paths"][path]["get"]["parameters"].as_array().expect("parameters");
            let found = parameters.iter().find(|parameter| parameter["name"] == name).expect(name);
            found["schema"].clone()
        };
        assert_eq!(parameter("/v1/runs/{id}/events", "last-event-id")["type"], "integer");
        assert_eq!(parameter("/v1/runs", "cursor")["minLength"], 1);
        let order = &document["components"]["schemas"]["KeyOrder"]["properties"];
        assert_eq!(order["scopes"]["minItems"], 1, "{order}");
        let words = document.pointer("/components/schemas/ScopeName/enum").expect("words").as_array();
        assert_eq!(words.map(Vec::len), Some(spotwright_core::domain::account::Scope::ALL.len()));
        assert_eq!((&order["name"]["minLength"], &order["name"]["maxLength"]), (&json!(1), &json!(80)));
        for (path, statuses) in [
            ("/v1/runs", &["400", "402", "413", "415"][..]),
            ("/v1/organizations/{id}/budget", &["402", "409", "413", "415"]),
            ("/v1/assets", &["409", "413", "415"]),
        ] {
            for status in statuses {
                assert!(document["paths"][path]["post"]["responses"][status].is_object(), "{path} {status}");
            }
        }
        // Nothing that stands in a query, a path or a header is null.
        for item in document["paths"].as_object().expect("paths").values() {
            for operation in item.as_object().expect("operations").values() {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["schema"]["type"].is_string(), "{parameter}");
                }
            }
        }
    }

    #[test]
    fn files_are_bytes_and_streams_are_text() {
        let document = document();
        let body = |path: &str, method: &str, part: &str, media: &str| {
            document["paths"][path][method].pointer(part).map(|part| part["content"][media]["schema"].clone())
        };
        let bytes = Some(json!({ "type": "string", "format": "binary" }));
        let octets = "application/octet-stream";
        assert_eq!(body("/v1/assets", "post", "/requestBody", octets), bytes);
        assert_eq!(body("/v1/imports", "post", "/requestBody", octets), bytes);
        assert_eq!(body("/v1/variants/{id}/files/{file}", "get", "/responses/206", "video/mp4"), bytes);
        let stream = body("/v1/runs/{id}/events", "get", "/responses/200", "text/event-stream");
        assert_eq!(stream.map(|schema| schema["type"].clone()), Some(json!("string")));
    }

    #[test]
    fn no_two_types_are_described_under_one_name() {
        fn sources(folder: &std::path::Path, texts: &mut Vec<String>) {
            for entry in
                std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
            {
                if entry.is_dir() {
                    sources(&entry, texts);
                } else {
                    texts.push(std::fs::read_to_string(entry).expect("a source"));
                }
            }
        }
        let mut texts = Vec::new();
        sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut texts);
        let mut names = BTreeSet::new();
        for text in &texts {
            // The second of two types with one name would silently take the place of the first.
            for derived in text
                .split("#[derive(")
                .skip(1)
                .filter(|part| part.split(")]").next().is_some_and(|derives| derives.contains("ToSchema")))
            {
                let words = ["struct ", "enum "]
                    .map(|word| derived.split_once(word).map(|(before, name)| (before.len(), name)));
                let Some((_, name)) = words.into_iter().flatten().min() else { continue };
                let name: String = name.chars().take_while(|letter| letter.is_alphanumeric()).collect();
                assert!(names.insert(name.clone()), "two types are called {name}");
            }
        }
        assert!(names.len() > 150, "{}", names.len());
        let mut foreign = json!({});
        foreign::add(&mut foreign);
        let foreign = foreign.as_object().expect("schemas");
        let both: Vec<&String> = names.iter().filter(|name| foreign.contains_key(*name)).collect();
        assert!(both.is_empty(), "also in the schema crate: {both:?}");
    }

    #[test]
    fn words_are_listed_with_what_they_mean() {
        let document = document();
        let locale = &document["components"]["schemas"]["Locale"];
        assert_eq!(
            (&locale["type"], &locale["enum"]),
            (&json!("string"), &json!(["zh-CN", "en-US", "en-GB"]))
        );
        let meanings = locale["description"].as_str().expect("a description");
        assert!(meanings.ends_with("\n- `en-GB`: English, United Kingdom."), "{meanings}");
    }

    #[test]
    fn the_rows_of_lists_have_names() {
        let document = document();
        let rows = document.pointer("/components/schemas/Listing_Run/properties/data/items");
        assert_eq!(rows, Some(&json!({ "$ref": "#/components/schemas/Run" })));
    }

    #[test]
    fn schemas_of_the_schema_crate_are_whole() {
        let document = document();
        let brief = &document["components"]["schemas"]["Brief"];
        assert!(brief["properties"]["product"].is_object(), "{brief}");
        assert_eq!(document["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    }
}
