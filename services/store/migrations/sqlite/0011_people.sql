-- People who sign in, what they are in which organization, invitations, sessions, and the log of what was
-- changed. Times of these tables are those of the program's clock.

-- The same person in every organization. `email` has one spelling; `password` is an Argon2id hash.
CREATE TABLE person (
    position   INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    email      TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    password   TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    position        INTEGER PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    person_id       BLOB NOT NULL REFERENCES person (id),
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'approver', 'analyst', 'viewer')),
    joined_at       INTEGER NOT NULL,
    UNIQUE (organization_id, person_id)
) STRICT;
CREATE INDEX member_by_organization ON member (organization_id, position);
CREATE INDEX member_by_person ON member (person_id, position);

-- `mac` authenticates the token, which is nowhere stored.
CREATE TABLE invitation (
    position        INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB NOT NULL REFERENCES organization (id),
    mac             BLOB NOT NULL UNIQUE CHECK (length(mac) = 32),
    email           TEXT NOT NULL,
    name            TEXT,
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'approver', 'analyst', 'viewer')),
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    accepted_at     INTEGER,
    revoked_at      INTEGER
) STRICT;
CREATE INDEX invitation_by_organization ON invitation (organization_id, position);

-- A session has the rights of a key or of a person. One that has ended is removed.
CREATE TABLE session (
    position        INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB NOT NULL REFERENCES organization (id),
    mac             BLOB NOT NULL UNIQUE CHECK (length(mac) = 32),
    key_id          BLOB REFERENCES api_key (id),
    person_id       BLOB REFERENCES person (id),
    created_at      INTEGER NOT NULL,
    until_at        INTEGER NOT NULL,
    CHECK ((key_id IS NULL) <> (person_id IS NULL))
) STRICT;
CREATE INDEX session_by_key ON session (key_id, position);
CREATE INDEX session_by_person ON session (person_id, position);
CREATE INDEX session_by_end ON session (until_at);

-- What was changed, never changed itself. `actor_name` is what the actor was called then.
CREATE TABLE audit_log (
    position        INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization_id BLOB NOT NULL REFERENCES organization (id),
    made_at         INTEGER NOT NULL,
    actor_kind      TEXT NOT NULL CHECK (actor_kind IN ('key', 'person', 'operator', 'service')),
    actor_id        BLOB,
    actor_name      TEXT,
    action          TEXT NOT NULL,
    target_kind     TEXT NOT NULL,
    target_id       TEXT NOT NULL,
    old_value       TEXT,
    new_value       TEXT,
    request_id      TEXT
) STRICT;
CREATE INDEX audit_log_by_organization ON audit_log (organization_id, position);
CREATE INDEX audit_log_by_target ON audit_log (organization_id, target_id, position);
