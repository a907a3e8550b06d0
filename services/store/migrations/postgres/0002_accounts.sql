-- Times are microseconds since 1970 UTC of the database's clock, documents JSON text. `position` is
-- the order of writing. Every row belongs to one organization.

CREATE TABLE organization (
    position   BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id         UUID   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- `mac` authenticates the key's text, which is nowhere stored. `scopes` are words between blanks.
CREATE TABLE api_key (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    name            TEXT   NOT NULL,
    scopes          TEXT   NOT NULL,
    mac             BYTEA  NOT NULL CHECK (octet_length(mac) = 32),
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT,
    revoked_at      BIGINT
);
CREATE INDEX api_key_by_organization ON api_key (organization_id, position);

CREATE TABLE asset (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    hash            TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    width           BIGINT NOT NULL CHECK (width > 0),
    height          BIGINT NOT NULL CHECK (height > 0),
    bytes           BIGINT NOT NULL CHECK (bytes >= 0),
    created_at      BIGINT NOT NULL
);
CREATE INDEX asset_by_organization ON asset (organization_id, position);

-- `assets` maps the picture files that the brief names to ids of assets.
CREATE TABLE brief (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    name            TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    assets          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX brief_by_organization ON brief (organization_id, position);

-- What a run was ordered with. A run that was not ordered through the API has no row.
CREATE TABLE run_order (
    run_id          UUID NOT NULL PRIMARY KEY REFERENCES run (id),
    organization_id UUID NOT NULL REFERENCES organization (id),
    brief_id        UUID NOT NULL REFERENCES brief (id),
    detail          TEXT NOT NULL
);

-- Answers to writes, kept for repetitions of the request.
CREATE TABLE api_idempotency (
    organization_id UUID   NOT NULL REFERENCES organization (id),
    key             TEXT   NOT NULL,
    body_sha256     BYTEA  NOT NULL CHECK (octet_length(body_sha256) = 32),
    response        TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX api_idempotency_by_age ON api_idempotency (created_at);

CREATE INDEX run_by_organization_and_position ON run (organization_id, position);

ALTER TABLE organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE asset ENABLE ROW LEVEL SECURITY;
ALTER TABLE brief ENABLE ROW LEVEL SECURITY;
ALTER TABLE run_order ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_idempotency ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON organization TO spotwright_tenant
    USING (id = app_organization());
CREATE POLICY own_keys ON api_key TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_assets ON asset TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_briefs ON brief TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_orders ON run_order TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_answers ON api_idempotency TO spotwright_tenant
    USING (organization_id = app_organization());

GRANT SELECT ON organization TO spotwright_tenant;
GRANT SELECT, INSERT, UPDATE ON api_key TO spotwright_tenant;
GRANT SELECT, INSERT ON asset, brief, run_order TO spotwright_tenant;
GRANT SELECT, INSERT, UPDATE ON api_idempotency TO spotwright_tenant;
