-- Brands: what the briefs of one brand have in common. Times of these tables are those of the program's clock.

-- `body` is the newest version; all of them stand in `brand_version`.
CREATE TABLE brand (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    version         INTEGER NOT NULL CHECK (version >= 1),
    body            TEXT    NOT NULL,
    archived_at     INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX brand_by_organization ON brand (organization_id, position);

CREATE TABLE brand_version (
    brand_id        BLOB    NOT NULL REFERENCES brand (id),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    body            TEXT    NOT NULL,
    made_at         INTEGER NOT NULL,
    PRIMARY KEY (brand_id, version)
) STRICT;

-- The brand that a brief was completed with.
ALTER TABLE brief ADD COLUMN brand_id BLOB REFERENCES brand (id);
ALTER TABLE brief ADD COLUMN brand_version INTEGER;
