-- Views of the portal that are kept under a name: the address of a page with everything that was chosen on it.

CREATE TABLE saved_view (
    position        INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    name            TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX saved_view_by_organization ON saved_view (organization_id, position);
