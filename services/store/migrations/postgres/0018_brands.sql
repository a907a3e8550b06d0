-- Brands: what the briefs of one brand have in common. Times of these tables are those of the program's clock.

-- `body` is the newest version; all of them stand in `brand_version`.
CREATE TABLE brand (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    version         BIGINT NOT NULL CHECK (version >= 1),
    body            TEXT   NOT NULL,
    archived_at     BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX brand_by_organization ON brand (organization_id, position);

CREATE TABLE brand_version (
    brand_id        UUID   NOT NULL REFERENCES brand (id),
    version         BIGINT NOT NULL CHECK (version >= 1),
    organization_id UUID   NOT NULL REFERENCES organization (id),
    body            TEXT   NOT NULL,
    made_at         BIGINT NOT NULL,
    PRIMARY KEY (brand_id, version)
);

-- The brand that a brief was completed with.
ALTER TABLE brief ADD COLUMN brand_id UUID REFERENCES brand (id);
ALTER TABLE brief ADD COLUMN brand_version BIGINT;

ALTER TABLE brand ENABLE ROW LEVEL SECURITY;
ALTER TABLE brand_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_brands ON brand TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_versions ON brand_version TO spotwright_tenant
    USING (organization_id = app_organization());
GRANT SELECT ON brand, brand_version TO spotwright_tenant;
