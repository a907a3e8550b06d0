-- Ids are 16-byte UUIDs, times microseconds since 1970 UTC of the database's clock, money millionths
-- of a currency unit, documents JSON text. `position` is the order of writing.

CREATE TABLE run (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL,
    request         TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    state           TEXT    NOT NULL, -- the stage
    generation      INTEGER NOT NULL CHECK (generation >= 0),
    workflow        TEXT    NOT NULL, -- the workflow's own state
    messages        INTEGER NOT NULL CHECK (messages >= 0),
    budget_micros   INTEGER NOT NULL CHECK (budget_micros >= 0),
    settled_micros  INTEGER NOT NULL DEFAULT 0 CHECK (settled_micros >= 0),
    reserved_micros INTEGER NOT NULL DEFAULT 0 CHECK (reserved_micros >= 0),
    created_at      INTEGER NOT NULL,
    CHECK (settled_micros + reserved_micros <= budget_micros)
) STRICT;
CREATE INDEX run_by_organization ON run (organization_id);

CREATE TABLE variant (
    id         BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    run_id     BLOB   NOT NULL REFERENCES run (id),
    generation INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN
        ('drafted', 'previewed', 'scored', 'selected', 'rendered', 'won', 'rejected', 'failed')),
    final_gate TEXT CHECK (final_gate IN ('passed', 'failed')),
    body       TEXT   NOT NULL,
    UNIQUE (run_id, generation, number)
) STRICT;
CREATE INDEX variant_by_state ON variant (run_id, generation, state);

CREATE TABLE placement (
    id          BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    run_id      BLOB   NOT NULL REFERENCES run (id),
    campaign_id TEXT   NOT NULL,
    variant_id  BLOB   NOT NULL REFERENCES variant (id),
    generation  INTEGER NOT NULL,
    delivery    TEXT,
    observed    INTEGER NOT NULL DEFAULT 0 CHECK (observed IN (0, 1)),
    UNIQUE (run_id, variant_id, generation)
) STRICT;
CREATE INDEX placement_by_generation ON placement (run_id, generation, observed);
CREATE INDEX placement_by_variant ON placement (variant_id);

CREATE TABLE step (
    position        INTEGER PRIMARY KEY,
    id              BLOB   NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB   NOT NULL,
    run_id          BLOB   NOT NULL REFERENCES run (id),
    kind            TEXT   NOT NULL,
    key             TEXT   NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN
        ('ready', 'running', 'waiting', 'done', 'failed', 'dead', 'cancelled')),
    run_at          INTEGER NOT NULL,
    lease_until     INTEGER,
    fence           INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND max_attempts),
    max_attempts    INTEGER NOT NULL CHECK (max_attempts >= 1),
    input           TEXT   NOT NULL,
    result          TEXT,
    error           TEXT,
    -- Whether the workflow knows how the step ended; 0 for a step that was found dead.
    closed          INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    UNIQUE (run_id, kind, key),
    CHECK ((state = 'running') = (lease_until IS NOT NULL))
) STRICT;
CREATE INDEX step_ready ON step (kind, run_at, position) WHERE state = 'ready';
CREATE INDEX step_running ON step (lease_until) WHERE state = 'running';
CREATE INDEX step_buried ON step (position) WHERE state = 'dead' AND closed = 0;

-- `aggregate_id` is the run.
CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY,
    id           BLOB   NOT NULL UNIQUE CHECK (length(id) = 16),
    aggregate_id BLOB   NOT NULL REFERENCES run (id),
    seq          INTEGER NOT NULL,
    consumer     TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    created_at   INTEGER NOT NULL,
    sent_at      INTEGER,
    UNIQUE (aggregate_id, seq)
) STRICT;
CREATE INDEX outbox_unsent ON outbox (position) WHERE sent_at IS NULL;

CREATE TABLE inbox (
    consumer    TEXT   NOT NULL,
    message_id  BLOB   NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (consumer, message_id)
) STRICT;
CREATE INDEX inbox_by_message ON inbox (message_id);

CREATE TABLE dead_letter (
    message_id BLOB   NOT NULL,
    queue      TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    attempts   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (message_id, queue)
) STRICT;

-- `released`: the call was not made and its reserve was given back; it may be opened again.
-- `unknown`: nobody can tell whether it was made; it counts as spent. `settled_micros` is NULL while
-- the call is open.
CREATE TABLE ext_call (
    id              BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    step_id         BLOB   NOT NULL REFERENCES step (id),
    run_id          BLOB   NOT NULL REFERENCES run (id),
    provider        TEXT   NOT NULL,
    idem_key        TEXT   NOT NULL UNIQUE,
    state           TEXT   NOT NULL CHECK (state IN ('intent', 'sent', 'done', 'unknown', 'released')),
    provider_ref    TEXT UNIQUE,
    reserve_ref     TEXT   NOT NULL UNIQUE,
    opened          INTEGER NOT NULL DEFAULT 1,
    reserved_micros INTEGER NOT NULL,
    settled_micros  INTEGER,
    result          TEXT
) STRICT;
CREATE INDEX ext_call_by_step ON ext_call (step_id);
CREATE INDEX ext_call_by_run ON ext_call (run_id);

-- Append only. `closes` is the reserve that a settle or release closes, which makes "once" a
-- constraint.
CREATE TABLE ledger (
    position        INTEGER PRIMARY KEY,
    organization_id BLOB   NOT NULL,
    run_id          BLOB   NOT NULL REFERENCES run (id),
    entry           TEXT   NOT NULL CHECK (entry IN ('reserve', 'settle', 'release')),
    amount_micros   INTEGER NOT NULL CHECK (amount_micros >= 0),
    ref             TEXT   NOT NULL UNIQUE,
    closes          TEXT UNIQUE REFERENCES ledger (ref),
    at              INTEGER NOT NULL,
    CHECK ((entry = 'reserve') = (closes IS NULL))
) STRICT;
CREATE INDEX ledger_by_run ON ledger (run_id);
CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger
    BEGIN SELECT raise(ABORT, 'the ledger is append only'); END;
CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
    BEGIN SELECT raise(ABORT, 'the ledger is append only'); END;

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
    run_id     BLOB   NOT NULL REFERENCES run (id),
    sort_key   TEXT   NOT NULL,
    generation INTEGER NOT NULL,
    what       TEXT   NOT NULL,
    variant_id BLOB,
    detail     TEXT   NOT NULL,
    PRIMARY KEY (run_id, sort_key)
) STRICT;
