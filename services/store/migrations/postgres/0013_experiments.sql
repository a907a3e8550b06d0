-- Experiments, their logs, and the days that were played of them. `body` holds all of an experiment; the columns
-- beside it are what is looked up. A day is due at `next_at` while the experiment runs, and is claimed like a step:
-- with a lease and a fence. A day is written once, with the file of its exposures.

CREATE TABLE experiment (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    run_id          UUID   NOT NULL REFERENCES run (id),
    state           TEXT   NOT NULL
        CHECK (state IN ('draft', 'running', 'paused', 'stopped', 'decided', 'archived')),
    body            TEXT   NOT NULL,
    version         BIGINT NOT NULL,
    next_at         BIGINT,
    lease_until     BIGINT NOT NULL DEFAULT 0,
    fence           BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    CHECK ((next_at IS NOT NULL) = (state = 'running'))
);
CREATE INDEX experiment_by_organization ON experiment (organization_id, position);
CREATE INDEX experiment_due ON experiment (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE experiment_day (
    experiment_id   UUID   NOT NULL REFERENCES experiment (id),
    day             BIGINT NOT NULL CHECK (day >= 1),
    organization_id UUID   NOT NULL,
    phase           BIGINT NOT NULL CHECK (phase >= 1),
    read_out        TEXT   NOT NULL,
    exposures       TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (experiment_id, day)
);

CREATE TABLE experiment_entry (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    experiment_id   UUID   NOT NULL REFERENCES experiment (id),
    organization_id UUID   NOT NULL,
    entry           TEXT   NOT NULL
);
CREATE INDEX experiment_entry_by_experiment ON experiment_entry (experiment_id, position);

ALTER TABLE experiment ENABLE ROW LEVEL SECURITY;
ALTER TABLE experiment_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE experiment_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_experiments ON experiment TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_experiment_days ON experiment_day TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_experiment_entries ON experiment_entry TO spotwright_tenant
    USING (organization_id = app_organization());
GRANT SELECT ON experiment, experiment_day, experiment_entry TO spotwright_tenant;
