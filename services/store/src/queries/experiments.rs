//! Experiments, their logs and days. Every statement names the organization whose rows it touches, except
//! those of the program that plays days.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::experiment::machine::Change;
use spotwright_core::domain::experiment::{Experiment, LogEntry, PlayedDay};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::experiments::{Amended, ClaimedDay};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::experiment::ReadOut;
use spotwright_schemas::ids::{ExperimentId, OrganizationId};

use super::answers::{self, Known, Outcome};
use super::{Connection, event_log};
use crate::convert::{database, from_json, to_json};

fn missing() -> StoreError {
    StoreError::Missing("experiment".to_owned())
}

pub(super) async fn create(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    experiment: &Experiment,
    entry: &LogEntry,
) -> Result<Outcome<Experiment>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    sqlx::query(
        "INSERT INTO experiment (id, organization_id, run_id, state, body, version, next_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(experiment.id.0)
    .bind(context.organization.0)
    .bind(experiment.run.0)
    .bind(experiment.state.as_str())
    .bind(to_json(experiment)?)
    .bind(experiment.version)
    .bind(experiment.next_day_at)
    .bind(experiment.created_at)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    write_entry(conn, experiment, entry).await?;
    answers::keep(conn, context, write, now, experiment.clone()).await
}

async fn write_entry(
    conn: &mut Connection,
    experiment: &Experiment,
    entry: &LogEntry,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO experiment_entry (experiment_id, organization_id, entry) VALUES ($1, $2, $3)")
        .bind(experiment.id.0)
        .bind(experiment.organization.0)
        .bind(to_json(entry)?)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(())
}

/// Uses `experiment_by_organization`.
pub(super) async fn list(
    conn: &mut Connection,
    organization: OrganizationId,
    page: Page,
) -> Result<Vec<Positioned<Experiment>>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT position, body FROM experiment WHERE organization_id = $1 AND position < $2 \
         ORDER BY position DESC LIMIT $3",
    )
    .bind(organization.0)
    .bind(page.before.unwrap_or(i64::MAX))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter()
        .map(|(position, body)| Ok(Positioned { position, row: from_json("experiment", &body)? }))
        .collect()
}

pub(super) async fn get(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ExperimentId,
) -> Result<Experiment, StoreError> {
    let body: Option<String> =
        sqlx::query_scalar("SELECT body FROM experiment WHERE id = $1 AND organization_id = $2")
            .bind(id.0)
            .bind(organization.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    from_json("experiment", &body.ok_or_else(missing)?)
}

pub(super) async fn read_outs(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ExperimentId,
) -> Result<Vec<ReadOut>, StoreError> {
    get(conn, organization, id).await?;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT read_out FROM experiment_day WHERE experiment_id = $1 AND organization_id = $2 ORDER BY day",
    )
    .bind(id.0)
    .bind(organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.iter().map(|text| from_json("read-out", text)).collect()
}

pub(super) async fn entries(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ExperimentId,
) -> Result<Vec<LogEntry>, StoreError> {
    get(conn, organization, id).await?;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT entry FROM experiment_entry WHERE experiment_id = $1 AND organization_id = $2 \
         ORDER BY position",
    )
    .bind(id.0)
    .bind(organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.iter().map(|text| from_json("entry of an experiment", text)).collect()
}

pub(super) async fn exposures(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ExperimentId,
) -> Result<Vec<ArtifactHash>, StoreError> {
    get(conn, organization, id).await?;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT exposures FROM experiment_day WHERE experiment_id = $1 AND organization_id = $2 ORDER BY day",
    )
    .bind(id.0)
    .bind(organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    Ok(rows.into_iter().map(ArtifactHash).collect())
}

/// Writes a change over the version before its own; with a fence, only while that is the newest one.
pub(super) async fn amend(
    conn: &mut Connection,
    change: &Change,
    fence: Option<i64>,
    day: Option<&PlayedDay>,
) -> Result<Amended, StoreError> {
    let experiment = &change.experiment;
    let changed = sqlx::query(
        "UPDATE experiment SET state = $3, body = $4, version = $5, next_at = $6, lease_until = 0 \
         WHERE id = $1 AND organization_id = $2 AND version = $5 - 1 AND ($7 < 0 OR fence = $7)",
    )
    .bind(experiment.id.0)
    .bind(experiment.organization.0)
    .bind(experiment.state.as_str())
    .bind(to_json(experiment)?)
    .bind(experiment.version)
    .bind(experiment.next_day_at)
    .bind(fence.unwrap_or(-1))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if changed.rows_affected() == 0 {
        return Ok(Amended::Stale);
    }
    for entry in &change.log {
        write_entry(conn, experiment, entry).await?;
    }
    if let Some(PlayedDay { read_out, exposures }) = day {
        sqlx::query(concat!(
            "INSERT INTO experiment_day (experiment_id, day, organization_id, phase, read_out, exposures, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, ",
            now_of!("$3"),
            ")"
        ))
        .bind(experiment.id.0)
        .bind(i64::from(read_out.day))
        .bind(experiment.organization.0)
        .bind(i64::from(read_out.phase))
        .bind(to_json(read_out)?)
        .bind(exposures.as_str())
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    }
    for event in &change.events {
        event_log::announce(conn, event).await?;
    }
    Ok(Amended::Now)
}

/// Whether the next day of an experiment has come at `$1` by a clock that was moved.
macro_rules! come_by_its_clock {
    ($table:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM organization o WHERE o.id = ",
            $table,
            ".organization_id AND o.clock_moved > 0 AND ",
            $table,
            ".next_at <= $1 + o.clock_moved)"
        )
    };
}

/// Experiments whose day is due at `$1`, each by the clock of its organization, and that nobody holds.
macro_rules! due {
    ($what:literal, $rest:literal) => {
        concat!(
            $what,
            " WHERE e.next_at IS NOT NULL AND e.lease_until <= $1 AND (e.next_at <= $1 OR ",
            come_by_its_clock!("e"),
            ")",
            $rest
        )
    };
}

/// Whether a day may be due: one read, without a write transaction; reads `experiment_due`.
pub(super) async fn any_due(conn: &mut Connection, now: i64) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(due!("SELECT e.position FROM experiment e", " LIMIT 1"))
        .bind(now)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
    Ok(found.is_some())
}

/// Claims the day that has been due for longest. Several processes do not claim the same: the condition on
/// the lease is judged again for a row that somebody else has changed.
pub(super) async fn claim(
    conn: &mut Connection,
    now: i64,
    lease_until: i64,
) -> Result<Option<ClaimedDay>, StoreError> {
    let row: Option<(String, i64, i64)> = sqlx::query_as(concat!(
        "UPDATE experiment SET fence = fence + 1, lease_until = $2 WHERE id = (",
        due!("SELECT e.id FROM experiment e", " ORDER BY e.next_at, e.position LIMIT 1"),
        ") AND next_at IS NOT NULL AND lease_until <= $1 AND (next_at <= $1 OR ",
        come_by_its_clock!("experiment"),
        ") RETURNING body, fence, ",
        moved!("experiment.organization_id")
    ))
    .bind(now)
    .bind(lease_until)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.map(|(body, fence, clock_moved)| {
        Ok(ClaimedDay { experiment: from_json("experiment", &body)?, fence, clock_moved })
    })
    .transpose()
}
