-- The outbox as the log of each organization, and webhooks that are told of it.
--
-- SQLite cannot let a column be empty that could not be, so the outbox is written anew. A message without a run
-- belongs to its organization alone: it is for the log, not for the bus. Positions are given in the order of
-- commits, so `commit_order` has no say here.

CREATE TABLE new_outbox (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL,
    aggregate_id    BLOB    REFERENCES run (id),
    seq             INTEGER NOT NULL,
    consumer        TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    commit_order    INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    sent_at         INTEGER,
    UNIQUE (aggregate_id, seq)
) STRICT;
INSERT INTO new_outbox (position, id, organization_id, aggregate_id, seq, consumer, type, body, created_at, sent_at)
    SELECT o.position, o.id, r.organization_id, o.aggregate_id, o.seq, o.consumer,
           CASE WHEN json_valid(o.body) THEN coalesce(json_extract(o.body, '$.type'), '') ELSE '' END,
           o.body, o.created_at, o.sent_at
    FROM outbox o JOIN run r ON r.id = o.aggregate_id ORDER BY o.position;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_unsent ON outbox (position) WHERE sent_at IS NULL;
CREATE INDEX outbox_by_organization ON outbox (organization_id, commit_order, position);
CREATE INDEX outbox_by_order ON outbox (commit_order, position);

-- `events` are types between blanks, or `*`. No secret is stored: it is derived, and its mark says with what.
-- From which place in the log on it hears of events: `from_order`, `from_position`.
CREATE TABLE webhook (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    url             TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    events          TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'disabled', 'paused')),
    paused_reason   TEXT,
    failing_since   INTEGER,
    secret_version  INTEGER NOT NULL CHECK (secret_version >= 1),
    secret_mark     TEXT    NOT NULL,
    previous_mark   TEXT,
    previous_until  INTEGER,
    from_order      INTEGER NOT NULL,
    from_position   INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_by_organization ON webhook (organization_id, position);

-- A message to one webhook. `lane` is what it keeps its order in: the run, or else the organization.
CREATE TABLE webhook_delivery (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL,
    webhook_id      BLOB    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event_id        BLOB    NOT NULL,
    type            TEXT    NOT NULL,
    run_id          BLOB,
    lane            BLOB    NOT NULL,
    commit_order    INTEGER NOT NULL,
    log_position    INTEGER NOT NULL,
    body            TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts        TEXT    NOT NULL DEFAULT '[]',
    n_attempts      INTEGER NOT NULL DEFAULT 0,
    next_at         INTEGER NOT NULL,
    lease_until     INTEGER NOT NULL DEFAULT 0,
    fence           INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    UNIQUE (webhook_id, event_id)
) STRICT;
CREATE INDEX delivery_due ON webhook_delivery (next_at) WHERE state = 'waiting';
CREATE INDEX delivery_by_lane ON webhook_delivery (webhook_id, lane, commit_order, log_position)
    WHERE state = 'waiting';
CREATE INDEX delivery_by_webhook ON webhook_delivery (webhook_id, position);
CREATE INDEX delivery_by_age ON webhook_delivery (created_at);

-- Up to where the log was noted for webhooks.
CREATE TABLE webhook_progress (
    only_row     INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    commit_order INTEGER NOT NULL,
    position     INTEGER NOT NULL
) STRICT;
INSERT INTO webhook_progress (only_row, commit_order, position)
    SELECT 1, 0, coalesce(max(position), 0) FROM outbox;
