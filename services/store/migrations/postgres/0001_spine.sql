-- Times are microseconds since 1970 UTC of the database's clock, money millionths
-- of a currency unit, documents JSON text. `position` is the order of writing.

CREATE TABLE run (
    position        BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              UUID    NOT NULL UNIQUE,
    organization_id UUID    NOT NULL,
    request         TEXT    NOT NULL,
    version         BIGINT NOT NULL,
    state           TEXT    NOT NULL, -- the stage
    generation      BIGINT NOT NULL CHECK (generation >= 0),
    workflow        TEXT    NOT NULL, -- the workflow's own state
    messages        BIGINT NOT NULL CHECK (messages >= 0),
    budget_micros   BIGINT NOT NULL CHECK (budget_micros >= 0),
    settled_micros  BIGINT NOT NULL DEFAULT 0 CHECK (settled_micros >= 0),
    reserved_micros BIGINT NOT NULL DEFAULT 0 CHECK (reserved_micros >= 0),
    created_at      BIGINT NOT NULL,
    CHECK (settled_micros + reserved_micros <= budget_micros)
);
CREATE INDEX run_by_organization ON run (organization_id);

CREATE TABLE variant (
    id         UUID   NOT NULL PRIMARY KEY,
    run_id     UUID   NOT NULL REFERENCES run (id),
    generation BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN
        ('drafted', 'previewed', 'scored', 'selected', 'rendered', 'won', 'rejected', 'failed')),
    final_gate TEXT CHECK (final_gate IN ('passed', 'failed')),
    body       TEXT   NOT NULL,
    UNIQUE (run_id, generation, number)
);
CREATE INDEX variant_by_state ON variant (run_id, generation, state);

CREATE TABLE placement (
    id          UUID   NOT NULL PRIMARY KEY,
    run_id      UUID   NOT NULL REFERENCES run (id),
    campaign_id TEXT   NOT NULL,
    variant_id  UUID   NOT NULL REFERENCES variant (id),
    generation  BIGINT NOT NULL,
    delivery    TEXT,
    observed    BIGINT NOT NULL DEFAULT 0 CHECK (observed IN (0, 1)),
    UNIQUE (run_id, variant_id, generation)
);
CREATE INDEX placement_by_generation ON placement (run_id, generation, observed);
CREATE INDEX placement_by_variant ON placement (variant_id);

CREATE TABLE step (
    position        BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              UUID   NOT NULL UNIQUE,
    organization_id UUID   NOT NULL,
    run_id          UUID   NOT NULL REFERENCES run (id),
    kind            TEXT   NOT NULL,
    key             TEXT   NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN
        ('ready', 'running', 'waiting', 'done', 'failed', 'dead', 'cancelled')),
    run_at          BIGINT NOT NULL,
    lease_until     BIGINT,
    fence           BIGINT NOT NULL DEFAULT 0,
    attempts        BIGINT NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND max_attempts),
    max_attempts    BIGINT NOT NULL CHECK (max_attempts >= 1),
    input           TEXT   NOT NULL,
    result          TEXT,
    error           TEXT,
    -- Whether the workflow knows how the step ended; 0 for a step that was found dead.
    closed          BIGINT NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    UNIQUE (run_id, kind, key),
    CHECK ((state = 'running') = (lease_until IS NOT NULL))
);
CREATE INDEX step_ready ON step (kind, run_at, position) WHERE state = 'ready';
CREATE INDEX step_running ON step (lease_until) WHERE state = 'running';
CREATE INDEX step_buried ON step (position) WHERE state = 'dead' AND closed = 0;

-- `aggregate_id` is the run.
CREATE TABLE outbox (
    position     BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           UUID   NOT NULL UNIQUE,
    aggregate_id UUID   NOT NULL REFERENCES run (id),
    seq          BIGINT NOT NULL,
    consumer     TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    sent_at      BIGINT,
    UNIQUE (aggregate_id, seq)
);
CREATE INDEX outbox_unsent ON outbox (position) WHERE sent_at IS NULL;

CREATE TABLE inbox (
    consumer    TEXT   NOT NULL,
    message_id  UUID   NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (consumer, message_id)
);
CREATE INDEX inbox_by_message ON inbox (message_id);

CREATE TABLE dead_letter (
    message_id UUID   NOT NULL,
    queue      TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    attempts   BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (message_id, queue)
);

-- `released`: the call was not made and its reserve was given back; it may be opened again.
-- `unknown`: nobody can tell whether it was made; it counts as spent. `settled_micros` is NULL while
-- the call is open.
CREATE TABLE ext_call (
    id              UUID   NOT NULL PRIMARY KEY,
    step_id         UUID   NOT NULL REFERENCES step (id),
    run_id          UUID   NOT NULL REFERENCES run (id),
    provider        TEXT   NOT NULL,
    idem_key        TEXT   NOT NULL UNIQUE,
    state           TEXT   NOT NULL CHECK (state IN ('intent', 'sent', 'done', 'unknown', 'released')),
    provider_ref    TEXT UNIQUE,
    reserve_ref     TEXT   NOT NULL UNIQUE,
    opened          BIGINT NOT NULL DEFAULT 1,
    reserved_micros BIGINT NOT NULL,
    settled_micros  BIGINT,
    result          TEXT
);
CREATE INDEX ext_call_by_step ON ext_call (step_id);
CREATE INDEX ext_call_by_run ON ext_call (run_id);

-- Append only. `closes` is the reserve that a settle or release closes, which makes "once" a
-- constraint.
CREATE TABLE ledger (
    position        BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id UUID   NOT NULL,
    run_id          UUID   NOT NULL REFERENCES run (id),
    entry           TEXT   NOT NULL CHECK (entry IN ('reserve', 'settle', 'release')),
    amount_micros   BIGINT NOT NULL CHECK (amount_micros >= 0),
    ref             TEXT   NOT NULL UNIQUE,
    closes          TEXT UNIQUE REFERENCES ledger (ref),
    at              BIGINT NOT NULL,
    CHECK ((entry = 'reserve') = (closes IS NULL))
);
CREATE INDEX ledger_by_run ON ledger (run_id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append only';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW run_balance AS
SELECT r.id AS run_id, r.organization_id, r.budget_micros AS cap,
       coalesce(sum(CASE WHEN l.entry = 'settle' THEN l.amount_micros END), 0) AS settled,
       coalesce(sum(CASE WHEN l.entry = 'reserve' AND c.ref IS NULL THEN l.amount_micros END), 0) AS reserved
FROM run r
LEFT JOIN ledger l ON l.run_id = r.id
LEFT JOIN ledger c ON c.closes = l.ref
GROUP BY r.id, r.organization_id, r.budget_micros;

CREATE VIEW organization_balance AS
SELECT organization_id, sum(cap) AS cap, sum(settled) AS settled, sum(reserved) AS reserved
FROM run_balance
GROUP BY organization_id;

CREATE TABLE trace (
    run_id     UUID   NOT NULL REFERENCES run (id),
    sort_key   TEXT   COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    what       TEXT   NOT NULL,
    variant_id UUID,
    detail     TEXT   NOT NULL,
    PRIMARY KEY (run_id, sort_key)
);

-- What a request of an organization reads, it reads under this role, which sees that organization's
-- rows only: `SET LOCAL ROLE spotwright_tenant; SET LOCAL app.organization = '…'`. Workers, which
-- serve all organizations, own the tables.
DO $$ BEGIN
    CREATE ROLE spotwright_tenant NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- the role belongs to all databases of the server
END $$;
GRANT spotwright_tenant TO CURRENT_USER;
CREATE FUNCTION app_organization() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('app.organization', true), '')::uuid $$;

ALTER TABLE run ENABLE ROW LEVEL SECURITY;
ALTER TABLE step ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE variant ENABLE ROW LEVEL SECURITY;
ALTER TABLE placement ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE ext_call ENABLE ROW LEVEL SECURITY;
ALTER TABLE trace ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON run TO spotwright_tenant USING (organization_id = app_organization());
CREATE POLICY own_rows ON step TO spotwright_tenant USING (organization_id = app_organization());
CREATE POLICY own_rows ON ledger TO spotwright_tenant USING (organization_id = app_organization());
-- The policy on `run` holds inside these, too.
CREATE POLICY own_rows ON variant TO spotwright_tenant USING (EXISTS (SELECT 1 FROM run WHERE run.id = run_id));
CREATE POLICY own_rows ON placement TO spotwright_tenant USING (EXISTS (SELECT 1 FROM run WHERE run.id = run_id));
CREATE POLICY own_rows ON outbox TO spotwright_tenant USING (EXISTS (SELECT 1 FROM run WHERE run.id = aggregate_id));
CREATE POLICY own_rows ON ext_call TO spotwright_tenant USING (EXISTS (SELECT 1 FROM run WHERE run.id = run_id));
CREATE POLICY own_rows ON trace TO spotwright_tenant USING (EXISTS (SELECT 1 FROM run WHERE run.id = run_id));
GRANT SELECT ON run, step, ledger, variant, placement, outbox, ext_call, trace TO spotwright_tenant;
