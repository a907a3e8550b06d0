//! Sandboxes: their rows, clocks and contents.

use spotwright_core::domain::sandbox::{Due, DueKind, FURTHEST_MICROS, Move, SandboxClock};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::OrganizationId;

use super::Connection;
use crate::convert::{database, unsigned};

fn missing() -> StoreError {
    StoreError::Missing("sandbox".to_owned())
}

/// Makes the sandbox of an organization, unless it is there.
pub(super) async fn open(conn: &mut Connection, organization: OrganizationId) -> Result<(), StoreError> {
    if organization.is_sandbox() {
        return clock(conn, organization).await.map(|_| ());
    }
    sqlx::query(concat!(
        "INSERT INTO organization (id, name, created_at, sandbox_of) SELECT $1, name, ",
        now!(),
        ", id FROM organization WHERE id = $2 ON CONFLICT (id) DO NOTHING"
    ))
    .bind(organization.sandbox().0)
    .bind(organization.0)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    moved(conn, organization.sandbox()).await.map(|_| ())
}

/// What the clock of a sandbox shows, and how far it was moved.
async fn moved(conn: &mut Connection, sandbox: OrganizationId) -> Result<(i64, i64), StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT ",
        now!(),
        " + clock_moved, clock_moved FROM organization WHERE id = $1 AND sandbox_of IS NOT NULL"
    ))
    .bind(sandbox.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.ok_or_else(missing)
}

/// The first time after now at which something happens by itself in a sandbox, for each kind.
const DUE: [(DueKind, &str); 7] = [
    (
        DueKind::WebhookDelivery,
        "SELECT min(d.next_at) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id \
         WHERE d.organization_id = $1 AND d.state = 'waiting' AND w.state = 'active' AND d.next_at > $2",
    ),
    (
        DueKind::ExperimentDay,
        "SELECT min(next_at) FROM experiment WHERE organization_id = $1 AND next_at > $2",
    ),
    (
        DueKind::CampaignDay,
        "SELECT min(next_at) FROM campaign WHERE organization_id = $1 AND hold IS NULL AND next_at > $2",
    ),
    (
        // Steps wait by the machine's clock, and are brought nearer when that of the sandbox is moved.
        DueKind::RunContinues,
        "SELECT min(s.run_at + o.clock_moved) FROM step s JOIN organization o ON o.id = s.organization_id \
         WHERE s.organization_id = $1 AND s.state = 'waiting' AND s.held = 0 AND s.run_at + o.clock_moved > $2",
    ),
    (
        DueKind::InvitationEnds,
        "SELECT min(expires_at) FROM invitation WHERE organization_id = $1 AND accepted_at IS NULL \
         AND revoked_at IS NULL AND expires_at > $2",
    ),
    (
        DueKind::ShareEnds,
        "SELECT min(expires_at) FROM share_link WHERE organization_id = $1 AND revoked_at IS NULL \
         AND expires_at > $2",
    ),
    (
        DueKind::KeyEnds,
        "SELECT min(expires_at) FROM api_key WHERE organization_id = $1 AND revoked_at IS NULL \
         AND expires_at > $2",
    ),
];

/// The clock of a sandbox, and what it would come to next. Reads the indexes by organization.
pub(super) async fn clock(
    conn: &mut Connection,
    sandbox: OrganizationId,
) -> Result<SandboxClock, StoreError> {
    let (now, moved) = moved(conn, sandbox).await?;
    let mut next: Option<Due> = None;
    for (what, statement) in DUE {
        let at: Option<i64> = sqlx::query_scalar(statement)
            .bind(sandbox.0)
            .bind(now)
            .fetch_one(&mut *conn)
            .await
            .map_err(database)?;
        let Some(at) = at else { continue };
        if next.is_none_or(|earlier| at < earlier.at) {
            next = Some(Due { at, what });
        }
    }
    Ok(SandboxClock { now, moved, next })
}

/// Moves the clock of a sandbox forward; `None` when it would go back or too far.
pub(super) async fn move_clock(
    conn: &mut Connection,
    sandbox: OrganizationId,
    by: Move,
) -> Result<Option<SandboxClock>, StoreError> {
    let (now, moved) = moved(conn, sandbox).await?;
    let step = match by {
        Move::By(step) => step,
        Move::To(time) => time.saturating_sub(now),
    };
    if step < 0 || moved.saturating_add(step) > FURTHEST_MICROS {
        return Ok(None);
    }
    // Added to what is there now: two that move the clock at the same time both do.
    sqlx::query("UPDATE organization SET clock_moved = clock_moved + $2 WHERE id = $1")
        .bind(sandbox.0)
        .bind(step)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    sqlx::query("UPDATE step SET run_at = run_at - $2 WHERE organization_id = $1 AND state = 'waiting'")
        .bind(sandbox.0)
        .bind(step)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    clock(conn, sandbox).await.map(Some)
}

/// What is removed from a sandbox, what refers to others first.
const CONTENT: [&str; 34] = [
    "DELETE FROM webhook_delivery WHERE organization_id = $1",
    "DELETE FROM webhook WHERE organization_id = $1",
    "DELETE FROM report WHERE organization_id = $1",
    "DELETE FROM saved_view WHERE organization_id = $1",
    "DELETE FROM experiment_entry WHERE organization_id = $1",
    "DELETE FROM experiment_day WHERE organization_id = $1",
    "DELETE FROM experiment WHERE organization_id = $1",
    "DELETE FROM review_comment WHERE organization_id = $1",
    "DELETE FROM share_link WHERE organization_id = $1",
    "DELETE FROM approval WHERE organization_id = $1",
    "DELETE FROM campaign_ref WHERE organization_id = $1",
    "DELETE FROM campaign WHERE organization_id = $1",
    "DELETE FROM observation WHERE organization_id = $1",
    "DELETE FROM external_ref WHERE organization_id = $1",
    "DELETE FROM import_mapping WHERE organization_id = $1",
    "DELETE FROM result_import WHERE organization_id = $1",
    "DELETE FROM trace WHERE run_id IN (SELECT id FROM run WHERE organization_id = $1)",
    "DELETE FROM ledger WHERE organization_id = $1",
    "DELETE FROM ext_call WHERE run_id IN (SELECT id FROM run WHERE organization_id = $1)",
    "DELETE FROM placement WHERE run_id IN (SELECT id FROM run WHERE organization_id = $1)",
    "DELETE FROM step WHERE organization_id = $1",
    "DELETE FROM inbox WHERE message_id IN (SELECT id FROM outbox WHERE organization_id = $1)",
    "DELETE FROM dead_letter WHERE message_id IN (SELECT id FROM outbox WHERE organization_id = $1)",
    "DELETE FROM outbox WHERE organization_id = $1",
    "DELETE FROM run_order WHERE organization_id = $1",
    "DELETE FROM variant WHERE run_id IN (SELECT id FROM run WHERE organization_id = $1)",
    "DELETE FROM run WHERE organization_id = $1",
    "UPDATE organization_budget SET committed_micros = 0, excess_micros = 0 WHERE organization_id = $1",
    "DELETE FROM brief WHERE organization_id = $1",
    "DELETE FROM brand_version WHERE organization_id = $1",
    "DELETE FROM brand WHERE organization_id = $1",
    "DELETE FROM asset WHERE organization_id = $1",
    "DELETE FROM api_idempotency WHERE organization_id = $1",
    "DELETE FROM invitation WHERE organization_id = $1",
];

/// Empties a sandbox; how many runs were in it. Work under way loses its rows, and what it made is dropped.
pub(super) async fn empty(conn: &mut Connection, sandbox: OrganizationId) -> Result<u64, StoreError> {
    moved(conn, sandbox).await?;
    let n_runs: i64 = sqlx::query_scalar("SELECT count(*) FROM run WHERE organization_id = $1")
        .bind(sandbox.0)
        .fetch_one(&mut *conn)
        .await
        .map_err(database)?;
    for statement in CONTENT {
        sqlx::query(statement).bind(sandbox.0).execute(&mut *conn).await.map_err(database)?;
    }
    unsigned("runs", n_runs)
}
