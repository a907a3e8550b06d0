-- Reviews: approvals and comments of variants, and links for reviewers who have no account. Times of these
-- tables are those of the program's clock; documents are JSON text.

-- The review of what a variant was at a time: `content_hash`. `state` is what was said last.
CREATE TABLE approval (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    run_id          UUID NOT NULL REFERENCES run (id),
    variant_id      UUID NOT NULL REFERENCES variant (id),
    content_hash    TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'changes_requested', 'superseded')),
    asked           TEXT,
    decisions       TEXT NOT NULL DEFAULT '[]',
    UNIQUE (variant_id, content_hash)
);
CREATE INDEX approval_by_organization ON approval (organization_id, position);
CREATE INDEX approval_by_state ON approval (organization_id, state, position);

-- `mac` authenticates the token, which is nowhere stored. `variants` is null for all of the run.
CREATE TABLE share_link (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    mac             BYTEA NOT NULL UNIQUE CHECK (octet_length(mac) = 32),
    name            TEXT NOT NULL,
    run_id          UUID NOT NULL REFERENCES run (id),
    variants        TEXT,
    scope           TEXT NOT NULL CHECK (scope IN ('view', 'comment', 'approve')),
    created_at      BIGINT NOT NULL,
    author          TEXT NOT NULL,
    expires_at      BIGINT NOT NULL,
    revoked_at      BIGINT
);
CREATE INDEX share_link_by_organization ON share_link (organization_id, position);

-- `millis` is the moment of the video, `x` and `y` the place in millionths; `share_id` the link whose reviewers
-- see it too.
CREATE TABLE review_comment (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    run_id          UUID NOT NULL REFERENCES run (id),
    variant_id      UUID NOT NULL REFERENCES variant (id),
    content_hash    TEXT NOT NULL,
    body            TEXT NOT NULL,
    millis          BIGINT CHECK (millis >= 0),
    x               BIGINT CHECK (x BETWEEN 0 AND 1000000),
    y               BIGINT CHECK (y BETWEEN 0 AND 1000000),
    share_id        UUID REFERENCES share_link (id),
    author          TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    changed         TEXT,
    created_at      BIGINT NOT NULL,
    CHECK ((x IS NULL) = (y IS NULL))
);
CREATE INDEX review_comment_by_variant ON review_comment (variant_id, position);
CREATE INDEX review_comment_by_share ON review_comment (share_id);

ALTER TABLE approval ENABLE ROW LEVEL SECURITY;
ALTER TABLE share_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE review_comment ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_approvals ON approval TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_links ON share_link TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_comments ON review_comment TO spotwright_tenant
    USING (organization_id = app_organization());
GRANT SELECT ON approval, share_link, review_comment TO spotwright_tenant;
