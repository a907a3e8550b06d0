-- Ids are 16-byte UUIDs, times microseconds since 1970 UTC of the database's clock, documents JSON
-- text. `position` is the order of writing. Every row belongs to one organization.

CREATE TABLE organization (
    position   INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- `mac` authenticates the key's text, which is nowhere stored. `scopes` are words between blanks.
CREATE TABLE api_key (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    name            TEXT    NOT NULL,
    scopes          TEXT    NOT NULL,
    mac             BLOB    NOT NULL CHECK (length(mac) = 32),
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    revoked_at      INTEGER
) STRICT;
CREATE INDEX api_key_by_organization ON api_key (organization_id, position);

CREATE TABLE asset (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    hash            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    width           INTEGER NOT NULL CHECK (width > 0),
    height          INTEGER NOT NULL CHECK (height > 0),
    bytes           INTEGER NOT NULL CHECK (bytes >= 0),
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX asset_by_organization ON asset (organization_id, position);

-- `assets` maps the picture files that the brief names to ids of assets.
CREATE TABLE brief (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    name            TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    assets          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX brief_by_organization ON brief (organization_id, position);

-- What a run was ordered with. A run that was not ordered through the API has no row.
CREATE TABLE run_order (
    run_id          BLOB    NOT NULL PRIMARY KEY REFERENCES run (id),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    brief_id        BLOB    NOT NULL REFERENCES brief (id),
    detail          TEXT    NOT NULL
) STRICT;

-- Answers to writes, kept for repetitions of the request.
CREATE TABLE api_idempotency (
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    key             TEXT    NOT NULL,
    body_sha256     BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    response        TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, key)
) STRICT;
CREATE INDEX api_idempotency_by_age ON api_idempotency (created_at);
