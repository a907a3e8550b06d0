//! The list of operations: what exists and who may call it.
//!
//! The check before every handler reads this list, so a route that is missing here is closed to
//! everybody; the tests hold the list, the routes and the OpenAPI document against one another.

use axum::http::Method;
use spotwright_core::domain::account::Scope;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Holders of any valid key.
    AnyKey,
    /// Holders of a key with this scope.
    Needs(Scope),
    /// Holders of a key with one of these scopes; what each of them allows, the use case knows.
    AnyOf(&'static [Scope]),
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The method: `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The path as routed, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Whether it needs an `Idempotency-Key`.
    pub creates: bool,
}

const fn get(path: &'static str, access: Access) -> Operation {
    Operation { method: "GET", path, access, creates: false }
}

const fn change(method: &'static str, path: &'static str, scope: Scope) -> Operation {
    Operation { method, path, access: Access::Needs(scope), creates: false }
}

const fn post(path: &'static str, scope: Scope) -> Operation {
    change("POST", path, scope)
}

const fn delete(path: &'static str, scope: Scope) -> Operation {
    Operation { method: "DELETE", path, access: Access::Needs(scope), creates: false }
}

const fn create(path: &'static str, scope: Scope) -> Operation {
    Operation { method: "POST", path, access: Access::Needs(scope), creates: true }
}

/// Those who make ads and those who approve them say something about one.
const fn say(path: &'static str, creates: bool) -> Operation {
    let access = Access::AnyOf(&[Scope::RunsWrite, Scope::ApprovalsWrite]);
    Operation { method: "POST", path, access, creates }
}

/// Every operation of the service.
pub const OPERATIONS: &[Operation] = &[
    get("/healthz", Access::Public),
    get("/readyz", Access::Public),
    get("/openapi.json", Access::Public),
    get("/errors/{code}", Access::Public),
    get("/docs", Access::Public),
    get("/docs/{file}", Access::Public),
    get("/v1/organizations", Access::Needs(Scope::Operator)),
    create("/v1/organizations", Scope::Operator),
    get("/v1/organizations/{id}", Access::Needs(Scope::Operator)),
    post("/v1/organizations/{id}/freeze", Scope::Operator),
    post("/v1/organizations/{id}/unfreeze", Scope::Operator),
    get("/v1/organizations/{id}/api-keys", Access::Needs(Scope::Operator)),
    create("/v1/organizations/{id}/api-keys", Scope::Operator),
    post("/v1/organizations/{id}/api-keys/revoke", Scope::Operator),
    post("/v1/organizations/{id}/api-keys/{key}/revoke", Scope::Operator),
    post("/v1/organizations/{id}/runs/cancel", Scope::Operator),
    get("/v1/organizations/{id}/budget", Access::Needs(Scope::Operator)),
    change("PUT", "/v1/organizations/{id}/budget", Scope::Operator),
    post("/v1/organizations/{id}/budget", Scope::Operator),
    change("DELETE", "/v1/organizations/{id}/budget", Scope::Operator),
    get("/v1/events", Access::Needs(Scope::RunsRead)),
    get("/v1/events/stream", Access::Needs(Scope::RunsRead)),
    get("/v1/webhooks", Access::Needs(Scope::WebhooksAdmin)),
    create("/v1/webhooks", Scope::WebhooksAdmin),
    get("/v1/webhooks/{id}", Access::Needs(Scope::WebhooksAdmin)),
    change("PUT", "/v1/webhooks/{id}", Scope::WebhooksAdmin),
    delete("/v1/webhooks/{id}", Scope::WebhooksAdmin),
    post("/v1/webhooks/{id}/rotate", Scope::WebhooksAdmin),
    post("/v1/webhooks/{id}/test", Scope::WebhooksAdmin),
    get("/v1/webhooks/{id}/deliveries", Access::Needs(Scope::WebhooksAdmin)),
    post("/v1/webhooks/{id}/deliveries/{delivery}/replay", Scope::WebhooksAdmin),
    post("/v1/webhooks/{id}/replay", Scope::WebhooksAdmin),
    get("/v1/requests", Access::Needs(Scope::AuditRead)),
    get("/v1/organization", Access::AnyKey),
    get("/v1/organization/budget", Access::Needs(Scope::RunsRead)),
    delete("/v1/organization/demo", Scope::MembersAdmin),
    get("/v1/session", Access::Public),
    Operation { method: "POST", path: "/v1/session", access: Access::Public, creates: false },
    Operation { method: "DELETE", path: "/v1/session", access: Access::AnyKey, creates: false },
    get("/v1/me", Access::AnyKey),
    Operation { method: "PUT", path: "/v1/me/password", access: Access::AnyKey, creates: false },
    get("/v1/me/sessions", Access::AnyKey),
    Operation { method: "DELETE", path: "/v1/me/sessions/{id}", access: Access::AnyKey, creates: false },
    get("/v1/members", Access::Needs(Scope::MembersAdmin)),
    get("/v1/members/{id}", Access::Needs(Scope::MembersAdmin)),
    change("PUT", "/v1/members/{id}/role", Scope::MembersAdmin),
    delete("/v1/members/{id}", Scope::MembersAdmin),
    get("/v1/invitations", Access::Needs(Scope::MembersAdmin)),
    create("/v1/invitations", Scope::MembersAdmin),
    post("/v1/invitations/{id}/revoke", Scope::MembersAdmin),
    // Whoever has the token of an invitation has no key yet.
    Operation { method: "POST", path: "/v1/invitations/look", access: Access::Public, creates: false },
    Operation { method: "POST", path: "/v1/invitations/accept", access: Access::Public, creates: false },
    get("/v1/audit-log", Access::Needs(Scope::AuditRead)),
    get("/v1/api-keys", Access::Needs(Scope::KeysAdmin)),
    create("/v1/api-keys", Scope::KeysAdmin),
    get("/v1/api-keys/{id}", Access::Needs(Scope::KeysAdmin)),
    post("/v1/api-keys/{id}/revoke", Scope::KeysAdmin),
    get("/v1/sandbox/clock", Access::Needs(Scope::RunsRead)),
    post("/v1/sandbox/clock", Scope::RunsWrite),
    post("/v1/sandbox/clock/advance", Scope::RunsWrite),
    post("/v1/sandbox/clock/next", Scope::RunsWrite),
    delete("/v1/sandbox/data", Scope::RunsWrite),
    get("/v1/assets", Access::Needs(Scope::BriefsRead)),
    create("/v1/assets", Scope::BriefsWrite),
    get("/v1/assets/{id}", Access::Needs(Scope::BriefsRead)),
    delete("/v1/assets/{id}", Scope::BriefsWrite),
    get("/v1/assets/{id}/content", Access::Needs(Scope::BriefsRead)),
    get("/v1/brands", Access::Needs(Scope::BriefsRead)),
    create("/v1/brands", Scope::BriefsWrite),
    get("/v1/brands/{id}", Access::Needs(Scope::BriefsRead)),
    change("PUT", "/v1/brands/{id}", Scope::BriefsWrite),
    post("/v1/brands/{id}/archive", Scope::BriefsWrite),
    post("/v1/brands/{id}/restore", Scope::BriefsWrite),
    get("/v1/briefs", Access::Needs(Scope::BriefsRead)),
    create("/v1/briefs", Scope::BriefsWrite),
    post("/v1/briefs/check", Scope::BriefsWrite),
    get("/v1/briefs/{id}", Access::Needs(Scope::BriefsRead)),
    get("/v1/runs", Access::Needs(Scope::RunsRead)),
    create("/v1/runs", Scope::RunsWrite),
    get("/v1/runs/{id}", Access::Needs(Scope::RunsRead)),
    post("/v1/runs/{id}/pause", Scope::RunsWrite),
    post("/v1/runs/{id}/resume", Scope::RunsWrite),
    post("/v1/runs/{id}/cancel", Scope::RunsWrite),
    Operation {
        method: "POST",
        path: "/v1/runs/{id}/signals",
        access: Access::AnyOf(&[Scope::RunsWrite, Scope::ApprovalsWrite]),
        creates: false,
    },
    get("/v1/runs/{id}/questions", Access::Needs(Scope::RunsRead)),
    get("/v1/runs/{id}/events", Access::Needs(Scope::RunsRead)),
    get("/v1/runs/{id}/trace", Access::Needs(Scope::RunsRead)),
    get("/v1/runs/{id}/variants", Access::Needs(Scope::RunsRead)),
    get("/v1/runs/{id}/winners", Access::Needs(Scope::RunsRead)),
    get("/v1/runs/{id}/campaigns", Access::Needs(Scope::RunsRead)),
    get("/v1/campaigns", Access::Needs(Scope::ResultsRead)),
    create("/v1/campaigns", Scope::RunsWrite),
    get("/v1/organization/campaign-rules", Access::AnyKey),
    change("PUT", "/v1/organization/campaign-rules", Scope::MembersAdmin),
    get("/v1/campaigns/{id}", Access::Needs(Scope::ResultsRead)),
    get("/v1/campaigns/{id}/ad-groups", Access::Needs(Scope::ResultsRead)),
    get("/v1/campaigns/{id}/ads", Access::Needs(Scope::ResultsRead)),
    get("/v1/campaigns/{id}/delivery", Access::Needs(Scope::ResultsRead)),
    get("/v1/campaigns/{id}/external-refs", Access::Needs(Scope::ResultsRead)),
    change("PUT", "/v1/campaigns/{id}/external-refs", Scope::ResultsWrite),
    post("/v1/campaigns/{id}/pause", Scope::RunsWrite),
    post("/v1/campaigns/{id}/resume", Scope::RunsWrite),
    post("/v1/campaigns/{id}/end", Scope::RunsWrite),
    get("/v1/ads/{id}", Access::Needs(Scope::ResultsRead)),
    post("/v1/ads/{id}/pause", Scope::RunsWrite),
    post("/v1/ads/{id}/resume", Scope::RunsWrite),
    post("/v1/ads/{id}/end", Scope::RunsWrite),
    get("/v1/insight/calibration", Access::Needs(Scope::ResultsRead)),
    get("/v1/insight/calibration.csv", Access::Needs(Scope::ResultsRead)),
    get("/v1/insight/market", Access::Needs(Scope::ResultsRead)),
    get("/v1/insight/market.csv", Access::Needs(Scope::ResultsRead)),
    get("/v1/reports", Access::Needs(Scope::ResultsRead)),
    create("/v1/reports", Scope::ResultsRead),
    get("/v1/reports/{id}", Access::Needs(Scope::ResultsRead)),
    get("/v1/reports/{id}/content", Access::Needs(Scope::ResultsRead)),
    get("/v1/operations/{id}", Access::Needs(Scope::ResultsRead)),
    get("/v1/ledger", Access::Needs(Scope::RunsRead)),
    get("/v1/ledger.csv", Access::Needs(Scope::RunsRead)),
    get("/v1/usage", Access::Needs(Scope::RunsRead)),
    get("/v1/variants/{id}", Access::Needs(Scope::RunsRead)),
    get("/v1/variants/{id}/script", Access::Needs(Scope::RunsRead)),
    get("/v1/variants/{id}/storyboard", Access::Needs(Scope::RunsRead)),
    get("/v1/variants/{id}/approval", Access::Needs(Scope::RunsRead)),
    say("/v1/variants/{id}/approval", false),
    post("/v1/variants/{id}/approval/decisions", Scope::ApprovalsWrite),
    get("/v1/variants/{id}/comments", Access::Needs(Scope::RunsRead)),
    say("/v1/variants/{id}/comments", true),
    get("/v1/approvals", Access::Needs(Scope::RunsRead)),
    get("/v1/comments/{id}", Access::Needs(Scope::RunsRead)),
    say("/v1/comments/{id}/resolve", false),
    say("/v1/comments/{id}/reopen", false),
    get("/v1/shares", Access::Needs(Scope::RunsRead)),
    say("/v1/shares", true),
    get("/v1/shares/{id}", Access::Needs(Scope::RunsRead)),
    say("/v1/shares/{id}/revoke", false),
    get("/v1/views", Access::Needs(Scope::ResultsRead)),
    create("/v1/views", Scope::ResultsRead),
    delete("/v1/views/{id}", Scope::ResultsRead),
    // Whoever has the token of a link has no key.
    get("/v1/shared/{token}", Access::Public),
    get("/v1/shared/{token}/variants/{id}/files/{file}", Access::Public),
    get("/v1/shared/{token}/variants/{id}/comments", Access::Public),
    Operation {
        method: "POST",
        path: "/v1/shared/{token}/variants/{id}/comments",
        access: Access::Public,
        creates: true,
    },
    Operation {
        method: "POST",
        path: "/v1/shared/{token}/variants/{id}/decisions",
        access: Access::Public,
        creates: false,
    },
    get("/v1/variants/{id}/revisions", Access::Needs(Scope::RunsRead)),
    create("/v1/variants/{id}/revisions", Scope::RunsWrite),
    get("/v1/variants/{id}/external-refs", Access::Needs(Scope::ResultsRead)),
    change("PUT", "/v1/variants/{id}/external-refs", Scope::ResultsWrite),
    get("/v1/experiments", Access::Needs(Scope::ResultsRead)),
    create("/v1/experiments", Scope::ExperimentsWrite),
    post("/v1/experiments/plan", Scope::ResultsRead),
    post("/v1/experiments/analyze", Scope::ResultsRead),
    get("/v1/experiments/elements", Access::Needs(Scope::ResultsRead)),
    get("/v1/experiments/{id}", Access::Needs(Scope::ResultsRead)),
    post("/v1/experiments/{id}/start", Scope::ExperimentsWrite),
    post("/v1/experiments/{id}/pause", Scope::ExperimentsWrite),
    post("/v1/experiments/{id}/resume", Scope::ExperimentsWrite),
    post("/v1/experiments/{id}/stop", Scope::ExperimentsWrite),
    post("/v1/experiments/{id}/decide", Scope::ExperimentsWrite),
    post("/v1/experiments/{id}/allocation", Scope::ExperimentsWrite),
    post("/v1/experiments/{id}/archive", Scope::ExperimentsWrite),
    get("/v1/experiments/{id}/readouts", Access::Needs(Scope::ResultsRead)),
    get("/v1/experiments/{id}/decisions", Access::Needs(Scope::ResultsRead)),
    get("/v1/experiments/{id}/exposures", Access::Needs(Scope::ResultsRead)),
    get("/v1/imports", Access::Needs(Scope::ResultsRead)),
    create("/v1/imports", Scope::ResultsWrite),
    get("/v1/imports/{id}", Access::Needs(Scope::ResultsRead)),
    get("/v1/observations", Access::Needs(Scope::ResultsRead)),
    create("/v1/observations/batch", Scope::ResultsWrite),
    get("/v1/variants/{id}/files/{file}", Access::Needs(Scope::RunsRead)),
    get("/v1/videos", Access::Needs(Scope::RunsRead)),
    post("/v1/videos", Scope::RunsWrite),
    get("/v1/videos/{id}", Access::Needs(Scope::RunsRead)),
    delete("/v1/videos/{id}", Scope::RunsWrite),
    get("/v1/videos/{id}/content", Access::Needs(Scope::RunsRead)),
    post("/kling/v1/videos/text2video", Scope::RunsWrite),
    post("/kling/v1/videos/image2video", Scope::RunsWrite),
    get("/kling/v1/videos/{kind}/{id}", Access::Needs(Scope::RunsRead)),
    get("/kling/files/{organization}/{token}", Access::Public),
    // Signed by the provider, not by a key.
    Operation { method: "POST", path: "/callbacks/kling/{source}", access: Access::Public, creates: false },
];

/// The operation of a method and routed path.
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.method == method.as_str() && operation.path == path)
}

/// The methods that a routed path takes; empty for one that is not listed.
#[must_use]
pub fn methods_of(path: &str) -> Vec<&'static str> {
    let mut methods: Vec<&str> = OPERATIONS
        .iter()
        .filter(|operation| operation.path == path)
        .map(|operation| operation.method)
        .collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_includes_asking_for_the_head() {
        assert_eq!(methods_of("/v1/runs"), ["GET", "POST", "HEAD"]);
        assert_eq!(methods_of("/v1/runs/{id}/pause"), ["POST"]);
        assert!(methods_of("/v1/secrets").is_empty());
    }
}
