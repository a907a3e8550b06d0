-- Reviews: approvals and comments of variants, and links for reviewers who have no account. Times of these
-- tables are those of the program's clock; documents are JSON text.

-- The review of what a variant was at a time: `content_hash`. `state` is what was said last.
CREATE TABLE approval (
    position        INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB NOT NULL REFERENCES organization (id),
    run_id          BLOB NOT NULL REFERENCES run (id),
    variant_id      BLOB NOT NULL REFERENCES variant (id),
    content_hash    TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'changes_requested', 'superseded')),
    asked           TEXT,
    decisions       TEXT NOT NULL DEFAULT '[]',
    UNIQUE (variant_id, content_hash)
) STRICT;
CREATE INDEX approval_by_organization ON approval (organization_id, position);
CREATE INDEX approval_by_state ON approval (organization_id, state, position);

-- `mac` authenticates the token, which is nowhere stored. `variants` is null for all of the run.
CREATE TABLE share_link (
    position        INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB NOT NULL REFERENCES organization (id),
    mac             BLOB NOT NULL UNIQUE CHECK (length(mac) = 32),
    name            TEXT NOT NULL,
    run_id          BLOB NOT NULL REFERENCES run (id),
    variants        TEXT,
    scope           TEXT NOT NULL CHECK (scope IN ('view', 'comment', 'approve')),
    created_at      INTEGER NOT NULL,
    author          TEXT NOT NULL,
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER
) STRICT;
CREATE INDEX share_link_by_organization ON share_link (organization_id, position);

-- `millis` is the moment of the video, `x` and `y` the place in millionths; `share_id` the link whose reviewers
-- see it too.
CREATE TABLE review_comment (
    position        INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB NOT NULL REFERENCES organization (id),
    run_id          BLOB NOT NULL REFERENCES run (id),
    variant_id      BLOB NOT NULL REFERENCES variant (id),
    content_hash    TEXT NOT NULL,
    body            TEXT NOT NULL,
    millis          INTEGER CHECK (millis >= 0),
    x               INTEGER CHECK (x BETWEEN 0 AND 1000000),
    y               INTEGER CHECK (y BETWEEN 0 AND 1000000),
    share_id        BLOB REFERENCES share_link (id),
    author          TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    changed         TEXT,
    created_at      INTEGER NOT NULL,
    CHECK ((x IS NULL) = (y IS NULL))
) STRICT;
CREATE INDEX review_comment_by_variant ON review_comment (variant_id, position);
CREATE INDEX review_comment_by_share ON review_comment (share_id);
