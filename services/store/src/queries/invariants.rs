//! What must hold when all work is done. Each query finds the rows that break a rule.

use spotwright_core::ports::step_store::StoreError;
use uuid::Uuid;

use super::Connection;
use crate::convert::database;

/// Rules about rows with an id.
const BY_ID: &[(&str, &str)] = &[
    (
        "I1 a step is not ended",
        "SELECT id FROM step WHERE state NOT IN ('done', 'failed', 'dead', 'cancelled')",
    ),
    ("I1 a dead step was never answered", "SELECT id FROM step WHERE state = 'dead' AND closed = 0"),
    ("I1 a run is not finished", "SELECT id FROM run WHERE state <> 'finished'"),
    (
        "I2 a variant is placed twice in a generation",
        "SELECT variant_id FROM placement GROUP BY run_id, variant_id, generation HAVING count(*) > 1",
    ),
    (
        "I3 a step paid a provider twice",
        "SELECT step_id FROM ext_call WHERE state = 'done' GROUP BY step_id, provider, idem_key HAVING count(*) > 1",
    ),
    ("I3 a paid call is open", "SELECT id FROM ext_call WHERE settled_micros IS NULL"),
    (
        "I4 an organization has committed more than its limit and than its excess",
        "SELECT organization_id FROM organization_budget \
         WHERE committed_micros > cap_micros AND committed_micros > excess_micros",
    ),
    (
        "I4 what an organization has committed differs from its runs",
        "SELECT b.organization_id FROM organization_budget b WHERE b.committed_micros <> \
         (SELECT coalesce(sum(r.committed_micros), 0) FROM run r WHERE r.organization_id = b.organization_id \
          AND (r.currency IS NULL OR r.currency = b.currency))",
    ),
    (
        "I4 an organization has spent more than it has committed",
        "SELECT b.organization_id FROM organization_budget b \
         JOIN organization_balance s ON s.organization_id = b.organization_id AND s.currency = b.currency \
         WHERE s.settled + s.reserved > b.committed_micros",
    ),
    (
        "I4 a finished run commits more or less than it spent",
        "SELECT r.id FROM run r JOIN organization_budget b ON b.organization_id = r.organization_id \
         WHERE r.state = 'finished' AND r.committed_micros <> r.settled_micros + r.reserved_micros",
    ),
    ("I4 a run is above its budget", "SELECT run_id FROM run_balance WHERE settled + reserved > cap"),
    (
        "I4 a run's sums differ from the ledger",
        "SELECT r.id FROM run r JOIN run_balance b ON b.run_id = r.id \
         WHERE r.settled_micros <> b.settled OR r.reserved_micros <> b.reserved",
    ),
    (
        "I4 a call was settled for another amount than the ledger says",
        "SELECT e.id FROM ext_call e LEFT JOIN ledger l ON l.closes = e.reserve_ref AND l.entry = 'settle' \
         WHERE e.state IN ('done', 'unknown') AND coalesce(l.amount_micros, -1) <> e.settled_micros",
    ),
    ("I5 a message is not sent", "SELECT id FROM outbox WHERE sent_at IS NULL"),
    (
        "I5 the numbers of a run's messages have a gap",
        "SELECT aggregate_id FROM outbox WHERE aggregate_id IS NOT NULL GROUP BY aggregate_id HAVING count(*) <> max(seq) - min(seq) + 1",
    ),
    (
        "I5 a run's messages are not those it counts",
        "SELECT r.id FROM run r LEFT JOIN outbox o ON o.aggregate_id = r.id GROUP BY r.id, r.messages \
         HAVING coalesce(max(o.seq), 0) <> r.messages OR coalesce(min(o.seq), 1) <> 1",
    ),
    (
        "I6 a message was neither taken in nor given up",
        "SELECT o.id FROM outbox o LEFT JOIN inbox i ON i.message_id = o.id \
         LEFT JOIN dead_letter d ON d.message_id = o.id \
         WHERE o.aggregate_id IS NOT NULL AND i.message_id IS NULL AND d.message_id IS NULL",
    ),
    (
        "I7 a variant won without passing the final gate",
        "SELECT id FROM variant WHERE state = 'won' AND coalesce(final_gate, '') <> 'passed'",
    ),
    (
        "I7 a variant is placed without passing the final gate",
        "SELECT p.id FROM placement p LEFT JOIN variant v ON v.id = p.variant_id \
         WHERE coalesce(v.final_gate, '') <> 'passed'",
    ),
    (
        "I7 a placement of a withdrawn variant has not ended",
        "SELECT p.id FROM placement p JOIN variant v ON v.id = p.variant_id \
         WHERE v.state = 'withdrawn' AND p.ended = 0 AND p.delivery IS NOT NULL AND p.generation > 0",
    ),
    (
        "I7 a placement has ended and its variant was not withdrawn",
        "SELECT p.id FROM placement p JOIN variant v ON v.id = p.variant_id \
         WHERE p.ended = 1 AND v.state <> 'withdrawn'",
    ),
    (
        "I7 a variant of a finished generation is not at its end",
        "SELECT v.id FROM variant v JOIN run r ON r.id = v.run_id \
         WHERE r.state = 'finished' AND v.generation < r.generation \
         AND v.state NOT IN ('scored', 'won', 'rejected', 'failed', 'withdrawn')",
    ),
];

/// Rules about ledger references.
const BY_REFERENCE: &[(&str, &str)] = &[
    (
        "I4 a reserve is not closed",
        "SELECT r.ref FROM ledger r WHERE r.entry = 'reserve' AND \
         (SELECT count(*) FROM ledger s WHERE s.ref IN (r.ref || ':settle', r.ref || ':release')) = 0",
    ),
    (
        "I4 a reserve is closed twice",
        "SELECT r.ref FROM ledger r WHERE r.entry = 'reserve' AND \
         (SELECT count(*) FROM ledger s WHERE s.ref IN (r.ref || ':settle', r.ref || ':release')) > 1",
    ),
];

/// Runs all queries; must run in one read transaction to see one state.
pub(super) async fn broken(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    for (rule, query) in BY_ID {
        let ids: Vec<Uuid> = sqlx::query_scalar(*query).fetch_all(&mut *conn).await.map_err(database)?;
        lines.extend(ids.iter().map(|id| format!("{rule}: {id}")));
    }
    for (rule, query) in BY_REFERENCE {
        let references: Vec<String> =
            sqlx::query_scalar(*query).fetch_all(&mut *conn).await.map_err(database)?;
        lines.extend(references.iter().map(|reference| format!("{rule}: {reference}")));
    }
    Ok(lines)
}
