-- Reports: tables that are made on order. `detail` is the order, `file` what was made of it, `problem` why nothing
-- was, each as JSON. Who makes one holds it until `lease_until`; `fence` numbers the claims.

CREATE TABLE report (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL,
    detail          TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    lease_until     INTEGER,
    fence           INTEGER NOT NULL DEFAULT 0,
    file            TEXT,
    problem         TEXT,
    created_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state = 'done') = (file IS NOT NULL)),
    CHECK ((state = 'failed') = (problem IS NOT NULL))
) STRICT;
CREATE INDEX report_by_organization ON report (organization_id, position);
CREATE INDEX report_open ON report (position) WHERE state IN ('queued', 'running');
