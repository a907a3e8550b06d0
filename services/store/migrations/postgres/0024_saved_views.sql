-- Views of the portal that are kept under a name: the address of a page with everything that was chosen on it.

CREATE TABLE saved_view (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    name            TEXT   NOT NULL,
    address         TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX saved_view_by_organization ON saved_view (organization_id, position);

ALTER TABLE saved_view ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_views ON saved_view TO spotwright_tenant USING (organization_id = app_organization());
GRANT SELECT ON saved_view TO spotwright_tenant;
