-- Reports: tables that are made on order. `detail` is the order, `file` what was made of it, `problem` why nothing
-- was, each as JSON. Who makes one holds it until `lease_until`; `fence` numbers the claims.

CREATE TABLE report (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL,
    detail          TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    lease_until     BIGINT,
    fence           BIGINT NOT NULL DEFAULT 0,
    file            TEXT,
    problem         TEXT,
    created_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state = 'done') = (file IS NOT NULL)),
    CHECK ((state = 'failed') = (problem IS NOT NULL))
);
CREATE INDEX report_by_organization ON report (organization_id, position);
CREATE INDEX report_open ON report (position) WHERE state IN ('queued', 'running');

ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_reports ON report TO spotwright_tenant USING (organization_id = app_organization());
GRANT SELECT ON report TO spotwright_tenant;
