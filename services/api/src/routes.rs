//! Routes: which handler answers which address.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post, put};

use crate::state::{ApiState, App, Service};
use crate::v1::{
    ads, api_keys, approvals, assets, audit_log, brands, briefs, campaigns, comments, events, experiments,
    imports, insight, invitations, ledger, me, members, observations, operations, organizations, reports,
    requests, runs, sandbox, sessions, shared, shares, usage, variants, videos, views, webhooks,
};
use crate::{auth, callbacks, etag, kling, layers, reference, service};

/// The whole service as a router: mount it, or serve it as it is.
///
/// Every answer carries `x-request-id`; every request is bounded in size, time and number.
pub fn router(state: ApiState) -> Router {
    let app: App = Arc::new(Service::new(state));
    Router::new()
        .route("/healthz", get(service::alive))
        .route("/readyz", get(service::ready))
        .route("/openapi.json", get(service::openapi))
        .route("/errors/{code}", get(service::error_page))
        .route("/docs", get(reference::page))
        .route("/docs/{file}", get(reference::file))
        .route("/v1/organizations", get(organizations::list::handle).post(organizations::create::handle))
        .route("/v1/organizations/{id}", get(organizations::read::handle))
        .route("/v1/organizations/{id}/freeze", post(organizations::freeze::handle))
        .route("/v1/organizations/{id}/unfreeze", post(organizations::unfreeze::handle))
        .route(
            "/v1/organizations/{id}/api-keys",
            get(organizations::keys::list).post(organizations::keys::create),
        )
        .route("/v1/organizations/{id}/api-keys/revoke", post(organizations::keys::revoke_all))
        .route("/v1/organizations/{id}/api-keys/{key}/revoke", post(organizations::keys::revoke))
        .route("/v1/organizations/{id}/runs/cancel", post(organizations::cancel_runs::handle))
        .route(
            "/v1/organizations/{id}/budget",
            get(organizations::budget::read)
                .put(organizations::budget::set)
                .post(organizations::budget::post)
                .delete(organizations::budget::remove),
        )
        .route("/v1/events", get(events::list::handle))
        .route("/v1/events/stream", get(events::stream::handle))
        .route("/v1/webhooks", get(webhooks::list::handle).post(webhooks::create::handle))
        .route(
            "/v1/webhooks/{id}",
            get(webhooks::get::handle).put(webhooks::update::handle).delete(webhooks::delete::handle),
        )
        .route("/v1/webhooks/{id}/rotate", post(webhooks::rotate::handle))
        .route("/v1/webhooks/{id}/test", post(webhooks::test::handle))
        .route("/v1/webhooks/{id}/deliveries", get(webhooks::deliveries::handle))
        .route("/v1/webhooks/{id}/deliveries/{delivery}/replay", post(webhooks::replay_delivery::handle))
        .route("/v1/webhooks/{id}/replay", post(webhooks::replay::handle))
        .route("/v1/requests", get(requests::list::handle))
        .route("/v1/organization", get(organizations::get::handle))
        .route("/v1/organization/budget", get(organizations::own_budget::handle))
        .route("/v1/organization/demo", delete(organizations::remove_demo::handle))
        .route(
            "/v1/session",
            get(sessions::read::handle).post(sessions::open::handle).delete(sessions::close::handle),
        )
        .route("/v1/me", get(me::get::handle))
        .route("/v1/me/password", put(me::password::handle))
        .route("/v1/me/sessions", get(me::sessions::handle))
        .route("/v1/me/sessions/{id}", delete(me::session_end::handle))
        .route("/v1/members", get(members::list::handle))
        .route("/v1/members/{id}", get(members::get::handle).delete(members::remove::handle))
        .route("/v1/members/{id}/role", put(members::role::handle))
        .route("/v1/invitations", get(invitations::list::handle).post(invitations::create::handle))
        .route("/v1/invitations/look", post(invitations::look::handle))
        .route("/v1/invitations/accept", post(invitations::accept::handle))
        .route("/v1/invitations/{id}/revoke", post(invitations::revoke::handle))
        .route("/v1/audit-log", get(audit_log::list::handle))
        .route("/v1/api-keys", get(api_keys::list::handle).post(api_keys::create::handle))
        .route("/v1/api-keys/{id}", get(api_keys::get::handle))
        .route("/v1/api-keys/{id}/revoke", post(api_keys::revoke::handle))
        .route("/v1/sandbox/clock", get(sandbox::clock::handle).post(sandbox::set::handle))
        .route("/v1/sandbox/clock/advance", post(sandbox::advance::handle))
        .route("/v1/sandbox/clock/next", post(sandbox::next::handle))
        .route("/v1/sandbox/data", delete(sandbox::empty::handle))
        .route("/v1/assets", get(assets::list::handle).post(assets::create::handle))
        .route("/v1/assets/{id}", get(assets::get::handle).delete(assets::delete::handle))
        .route("/v1/assets/{id}/content", get(assets::content::handle))
        .route("/v1/brands", get(brands::list::handle).post(brands::create::handle))
        .route("/v1/brands/{id}", get(brands::get::handle).put(brands::update::handle))
        .route("/v1/brands/{id}/archive", post(brands::archive::handle))
        .route("/v1/brands/{id}/restore", post(brands::restore::handle))
        .route("/v1/briefs", get(briefs::list::handle).post(briefs::create::handle))
        .route("/v1/briefs/check", post(briefs::check::handle))
        .route("/v1/briefs/{id}", get(briefs::get::handle))
        .route("/v1/runs", get(runs::list::handle).post(runs::create::handle))
        .route("/v1/runs/{id}", get(runs::get::handle))
        .route("/v1/runs/{id}/pause", post(runs::pause::handle))
        .route("/v1/runs/{id}/resume", post(runs::resume::handle))
        .route("/v1/runs/{id}/cancel", post(runs::cancel::handle))
        .route("/v1/runs/{id}/signals", post(runs::signals::handle))
        .route("/v1/runs/{id}/questions", get(runs::questions::handle))
        .route("/v1/runs/{id}/events", get(runs::events::handle))
        .route("/v1/runs/{id}/trace", get(runs::trace::handle))
        .route("/v1/runs/{id}/variants", get(runs::variants::handle))
        .route("/v1/runs/{id}/winners", get(runs::winners::handle))
        .route("/v1/runs/{id}/campaigns", get(runs::campaigns::handle))
        .route("/v1/variants/{id}", get(variants::get::handle))
        .route("/v1/variants/{id}/approval", get(approvals::get::handle).post(approvals::ask::handle))
        .route("/v1/variants/{id}/approval/decisions", post(approvals::decide::handle))
        .route("/v1/variants/{id}/comments", get(comments::list::handle).post(comments::create::handle))
        .route("/v1/approvals", get(approvals::list::handle))
        .route("/v1/comments/{id}", get(comments::get::handle))
        .route("/v1/comments/{id}/resolve", post(comments::resolve::handle))
        .route("/v1/comments/{id}/reopen", post(comments::reopen::handle))
        .route("/v1/shares", get(shares::list::handle).post(shares::create::handle))
        .route("/v1/shares/{id}", get(shares::get::handle))
        .route("/v1/shares/{id}/revoke", post(shares::revoke::handle))
        .route("/v1/views", get(views::list::handle).post(views::create::handle))
        .route("/v1/views/{id}", delete(views::delete::handle))
        .route("/v1/shared/{token}", get(shared::get::handle))
        .route("/v1/shared/{token}/variants/{id}/files/{file}", get(shared::file::handle))
        .route(
            "/v1/shared/{token}/variants/{id}/comments",
            get(shared::comments::handle).post(shared::comment::handle),
        )
        .route("/v1/shared/{token}/variants/{id}/decisions", post(shared::decide::handle))
        .route("/v1/variants/{id}/script", get(variants::script::handle))
        .route("/v1/variants/{id}/storyboard", get(variants::storyboard::handle))
        .route(
            "/v1/variants/{id}/revisions",
            get(variants::revisions::list::handle).post(variants::revisions::create::handle),
        )
        .route("/v1/campaigns", get(campaigns::list::handle).post(campaigns::create::handle))
        .route("/v1/organization/campaign-rules", get(campaigns::rules::read).put(campaigns::rules::set))
        .route("/v1/campaigns/{id}", get(campaigns::get::handle))
        .route("/v1/campaigns/{id}/ad-groups", get(campaigns::ad_groups::handle))
        .route("/v1/campaigns/{id}/ads", get(campaigns::ads::handle))
        .route("/v1/campaigns/{id}/delivery", get(campaigns::delivery::handle))
        .route(
            "/v1/campaigns/{id}/external-refs",
            get(campaigns::external_refs::read).put(campaigns::external_refs::set),
        )
        .route("/v1/campaigns/{id}/pause", post(campaigns::pause::handle))
        .route("/v1/campaigns/{id}/resume", post(campaigns::resume::handle))
        .route("/v1/campaigns/{id}/end", post(campaigns::end::handle))
        .route("/v1/ads/{id}", get(ads::get::handle))
        .route("/v1/ads/{id}/pause", post(ads::pause::handle))
        .route("/v1/ads/{id}/resume", post(ads::resume::handle))
        .route("/v1/ads/{id}/end", post(ads::end::handle))
        .route("/v1/insight/calibration", get(insight::calibration::handle))
        .route("/v1/insight/calibration.csv", get(insight::calibration_csv::handle))
        .route("/v1/insight/market", get(insight::market::handle))
        .route("/v1/insight/market.csv", get(insight::market_csv::handle))
        .route("/v1/reports", get(reports::list::handle).post(reports::create::handle))
        .route("/v1/reports/{id}", get(reports::get::handle))
        .route("/v1/reports/{id}/content", get(reports::content::handle))
        .route("/v1/operations/{id}", get(operations::get::handle))
        .route("/v1/ledger", get(ledger::list::handle))
        .route("/v1/ledger.csv", get(ledger::export::handle))
        .route("/v1/usage", get(usage::get::handle))
        .route(
            "/v1/variants/{id}/external-refs",
            get(variants::external_refs::read).put(variants::external_refs::set),
        )
        .route("/v1/experiments", get(experiments::list::handle).post(experiments::create::handle))
        .route("/v1/experiments/plan", post(experiments::plan::handle))
        .route("/v1/experiments/analyze", post(experiments::analyze::handle))
        .route("/v1/experiments/elements", get(experiments::elements::handle))
        .route("/v1/experiments/{id}", get(experiments::get::handle))
        .route("/v1/experiments/{id}/start", post(experiments::start::handle))
        .route("/v1/experiments/{id}/pause", post(experiments::pause::handle))
        .route("/v1/experiments/{id}/resume", post(experiments::resume::handle))
        .route("/v1/experiments/{id}/stop", post(experiments::stop::handle))
        .route("/v1/experiments/{id}/decide", post(experiments::decide::handle))
        .route("/v1/experiments/{id}/allocation", post(experiments::allocation::handle))
        .route("/v1/experiments/{id}/archive", post(experiments::archive::handle))
        .route("/v1/experiments/{id}/readouts", get(experiments::readouts::handle))
        .route("/v1/experiments/{id}/decisions", get(experiments::decisions::handle))
        .route("/v1/experiments/{id}/exposures", get(experiments::exposures::handle))
        .route("/v1/imports", get(imports::list::handle).post(imports::create::handle))
        .route("/v1/imports/{id}", get(imports::get::handle))
        .route("/v1/observations", get(observations::list::handle))
        .route("/v1/observations/batch", post(observations::batch::handle))
        .route("/v1/variants/{id}/files/{file}", get(variants::file::handle))
        .route("/v1/videos", get(videos::list::handle).post(videos::create::handle))
        .route("/v1/videos/{id}", get(videos::get::handle).delete(videos::delete::handle))
        .route("/v1/videos/{id}/content", get(videos::content::handle))
        .route("/kling/v1/videos/text2video", post(kling::create::text))
        .route("/kling/v1/videos/image2video", post(kling::create::image))
        .route("/kling/v1/videos/{kind}/{id}", get(kling::get::handle))
        .route("/kling/files/{organization}/{token}", get(kling::file::handle))
        .route("/callbacks/kling/{source}", post(callbacks::kling::handle))
        .route_layer(middleware::from_fn(etag::tag))
        .route_layer(middleware::from_fn_with_state(App::clone(&app), auth::authorize))
        // Handlers that take a body bound it themselves; this bounds what any other reads.
        .layer(DefaultBodyLimit::max(crate::extract::JSON_BYTES))
        .layer(middleware::from_fn_with_state(App::clone(&app), layers::surround))
        .with_state(app)
}
