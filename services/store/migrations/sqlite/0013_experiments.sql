-- Experiments, their logs, and the days that were played of them. `body` holds all of an experiment; the columns
-- beside it are what is looked up. A day is due at `next_at` while the experiment runs, and is claimed like a step:
-- with a lease and a fence. A day is written once, with the file of its exposures.

CREATE TABLE experiment (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    run_id          BLOB    NOT NULL REFERENCES run (id),
    state           TEXT    NOT NULL
        CHECK (state IN ('draft', 'running', 'paused', 'stopped', 'decided', 'archived')),
    body            TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    next_at         INTEGER,
    lease_until     INTEGER NOT NULL DEFAULT 0,
    fence           INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    CHECK ((next_at IS NOT NULL) = (state = 'running'))
) STRICT;
CREATE INDEX experiment_by_organization ON experiment (organization_id, position);
CREATE INDEX experiment_due ON experiment (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE experiment_day (
    experiment_id   BLOB    NOT NULL REFERENCES experiment (id),
    day             INTEGER NOT NULL CHECK (day >= 1),
    organization_id BLOB    NOT NULL,
    phase           INTEGER NOT NULL CHECK (phase >= 1),
    read_out        TEXT    NOT NULL,
    exposures       TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, day)
) STRICT;

CREATE TABLE experiment_entry (
    position        INTEGER PRIMARY KEY,
    experiment_id   BLOB    NOT NULL REFERENCES experiment (id),
    organization_id BLOB    NOT NULL,
    entry           TEXT    NOT NULL
) STRICT;
CREATE INDEX experiment_entry_by_experiment ON experiment_entry (experiment_id, position);
