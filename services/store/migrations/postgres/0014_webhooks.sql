-- The outbox as the log of each organization, and webhooks that are told of it.
--
-- A message without a run belongs to its organization alone: it is for the log, not for the bus.
--
-- Positions are given when a row is written, and a transaction with a lower one may commit later. So the log is
-- read in the order of transactions, then positions, and only as far as every transaction has ended: what is
-- shown then has nothing left that could still come before it. Transactions are numbered by the server; a
-- database that was restored on another server counts on from `base`.

CREATE TABLE event_epoch (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    base     BIGINT NOT NULL
);
INSERT INTO event_epoch (only_row, base) VALUES (1, 0);
CREATE FUNCTION event_order() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT base + pg_current_xact_id()::text::bigint FROM event_epoch $$;
-- Below this every transaction has ended.
CREATE FUNCTION settled_before() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM event_epoch $$;

ALTER TABLE outbox
    ADD COLUMN organization_id UUID,
    ADD COLUMN type TEXT,
    ADD COLUMN commit_order BIGINT NOT NULL DEFAULT 0,
    ALTER COLUMN aggregate_id DROP NOT NULL;
ALTER TABLE outbox ALTER COLUMN commit_order SET DEFAULT event_order();
UPDATE outbox SET organization_id = run.organization_id,
                  type = coalesce(substring(outbox.body FROM '"type":"([^"]*)"'), '')
    FROM run WHERE run.id = outbox.aggregate_id;
-- For programs of an older version that work on the database beside a new one.
CREATE FUNCTION complete_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.organization_id IS NULL THEN
        SELECT organization_id INTO NEW.organization_id FROM run WHERE id = NEW.aggregate_id;
    END IF;
    IF NEW.type IS NULL THEN
        NEW.type := coalesce(substring(NEW.body FROM '"type":"([^"]*)"'), '');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_is_complete BEFORE INSERT ON outbox FOR EACH ROW
    WHEN (NEW.organization_id IS NULL OR NEW.type IS NULL) EXECUTE FUNCTION complete_outbox();
ALTER TABLE outbox ALTER COLUMN organization_id SET NOT NULL, ALTER COLUMN type SET NOT NULL;
CREATE INDEX outbox_by_organization ON outbox (organization_id, commit_order, position);
CREATE INDEX outbox_by_order ON outbox (commit_order, position);

DROP POLICY own_rows ON outbox;
CREATE POLICY own_rows ON outbox TO spotwright_tenant USING (organization_id = app_organization());
GRANT SELECT ON event_epoch TO spotwright_tenant;

-- `events` are types between blanks, or `*`. No secret is stored: it is derived, and its mark says with what.
-- From which place in the log on it hears of events: `from_order`, `from_position`.
CREATE TABLE webhook (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    url             TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    events          TEXT   NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('active', 'disabled', 'paused')),
    paused_reason   TEXT,
    failing_since   BIGINT,
    secret_version  BIGINT NOT NULL CHECK (secret_version >= 1),
    secret_mark     TEXT   NOT NULL,
    previous_mark   TEXT,
    previous_until  BIGINT,
    from_order      BIGINT NOT NULL,
    from_position   BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX webhook_by_organization ON webhook (organization_id, position);

-- A message to one webhook. `lane` is what it keeps its order in: the run, or else the organization.
CREATE TABLE webhook_delivery (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL,
    webhook_id      UUID   NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event_id        UUID   NOT NULL,
    type            TEXT   NOT NULL,
    run_id          UUID,
    lane            UUID   NOT NULL,
    commit_order    BIGINT NOT NULL,
    log_position    BIGINT NOT NULL,
    body            TEXT   NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts        TEXT   NOT NULL DEFAULT '[]',
    n_attempts      BIGINT NOT NULL DEFAULT 0,
    next_at         BIGINT NOT NULL,
    lease_until     BIGINT NOT NULL DEFAULT 0,
    fence           BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    UNIQUE (webhook_id, event_id)
);
CREATE INDEX delivery_due ON webhook_delivery (next_at) WHERE state = 'waiting';
CREATE INDEX delivery_by_lane ON webhook_delivery (webhook_id, lane, commit_order, log_position)
    WHERE state = 'waiting';
CREATE INDEX delivery_by_webhook ON webhook_delivery (webhook_id, position);
CREATE INDEX delivery_by_age ON webhook_delivery (created_at);

-- Up to where the log was noted for webhooks.
CREATE TABLE webhook_progress (
    only_row     BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    commit_order BIGINT NOT NULL,
    position     BIGINT NOT NULL
);
INSERT INTO webhook_progress (only_row, commit_order, position)
    SELECT 1, 0, coalesce(max(position), 0) FROM outbox;

ALTER TABLE webhook ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_webhooks ON webhook TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_deliveries ON webhook_delivery TO spotwright_tenant
    USING (organization_id = app_organization());
GRANT SELECT ON webhook, webhook_delivery TO spotwright_tenant;
