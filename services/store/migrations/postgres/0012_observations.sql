-- What ads did in windows of time, by source: the market's own numbers and those of platforms, never in one row.
-- `platform` is empty for the simulation. Days are ISO dates, amounts millionths of `currency`. `body` holds all of
-- it; the columns beside it are what is looked up and summed. `direction` and `product` are of the variant.

CREATE TABLE result_import (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL,
    detail          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX result_import_by_organization ON result_import (organization_id, position);

-- What the columns of a file hold, by the header that it has.
CREATE TABLE import_mapping (
    organization_id UUID   NOT NULL,
    header          TEXT   NOT NULL,
    mapping         TEXT   NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, header)
);

-- Which variant an ad of a platform shows.
CREATE TABLE external_ref (
    organization_id UUID   NOT NULL,
    platform        TEXT   NOT NULL,
    external_id     TEXT   NOT NULL,
    account         TEXT   NOT NULL,
    variant_id      UUID   NOT NULL REFERENCES variant (id),
    PRIMARY KEY (organization_id, platform, external_id)
);
CREATE INDEX external_ref_by_variant ON external_ref (variant_id);

CREATE TABLE observation (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL,
    source          TEXT   NOT NULL CHECK (source IN ('simulated', 'imported')),
    platform        TEXT   NOT NULL,
    ad              TEXT   NOT NULL,
    window_start    TEXT   COLLATE "C" NOT NULL CHECK (length(window_start) = 10),
    window_end      TEXT   COLLATE "C" NOT NULL CHECK (length(window_end) = 10),
    impressions     BIGINT CHECK (impressions >= 0),
    clicks          BIGINT CHECK (clicks >= 0),
    conversions     TEXT,
    currency        TEXT,
    spend_micros    BIGINT,
    revenue_micros  BIGINT,
    variant_id      UUID   REFERENCES variant (id),
    direction       TEXT,
    product         TEXT,
    import_id       UUID   REFERENCES result_import (id),
    digest          TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    revision        BIGINT NOT NULL DEFAULT 1,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (organization_id, source, platform, ad, window_start, window_end),
    CHECK ((source = 'simulated') = (platform = '')),
    CHECK (window_start <= window_end),
    CHECK (currency IS NOT NULL OR (spend_micros IS NULL AND revenue_micros IS NULL)),
    CHECK ((variant_id IS NULL) = (direction IS NULL) AND (variant_id IS NULL) = (product IS NULL))
);
CREATE INDEX observation_by_organization ON observation (organization_id, source, position);
CREATE INDEX observation_by_product ON observation (organization_id, product, source);
CREATE INDEX observation_by_variant ON observation (variant_id);

ALTER TABLE result_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_mapping ENABLE ROW LEVEL SECURITY;
ALTER TABLE external_ref ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_imports ON result_import TO spotwright_tenant USING (organization_id = app_organization());
CREATE POLICY own_mappings ON import_mapping TO spotwright_tenant USING (organization_id = app_organization());
CREATE POLICY own_references ON external_ref TO spotwright_tenant USING (organization_id = app_organization());
CREATE POLICY own_observations ON observation TO spotwright_tenant USING (organization_id = app_organization());
GRANT SELECT ON result_import, import_mapping, external_ref, observation TO spotwright_tenant;
