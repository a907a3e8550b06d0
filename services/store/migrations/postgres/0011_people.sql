-- People who sign in, what they are in which organization, invitations, sessions, and the log of what was
-- changed. Times of these tables are those of the program's clock.

-- The same person in every organization. `email` has one spelling; `password` is an Argon2id hash.
CREATE TABLE person (
    position   BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id         UUID NOT NULL PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    password   TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE member (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    organization_id UUID NOT NULL REFERENCES organization (id),
    person_id       UUID NOT NULL REFERENCES person (id),
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'approver', 'analyst', 'viewer')),
    joined_at       BIGINT NOT NULL,
    UNIQUE (organization_id, person_id)
);
CREATE INDEX member_by_organization ON member (organization_id, position);
CREATE INDEX member_by_person ON member (person_id, position);

-- `mac` authenticates the token, which is nowhere stored.
CREATE TABLE invitation (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    mac             BYTEA NOT NULL UNIQUE CHECK (octet_length(mac) = 32),
    email           TEXT NOT NULL,
    name            TEXT,
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'approver', 'analyst', 'viewer')),
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    accepted_at     BIGINT,
    revoked_at      BIGINT
);
CREATE INDEX invitation_by_organization ON invitation (organization_id, position);

-- A session has the rights of a key or of a person. One that has ended is removed.
CREATE TABLE session (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    mac             BYTEA NOT NULL UNIQUE CHECK (octet_length(mac) = 32),
    key_id          UUID REFERENCES api_key (id),
    person_id       UUID REFERENCES person (id),
    created_at      BIGINT NOT NULL,
    until_at        BIGINT NOT NULL,
    CHECK ((key_id IS NULL) <> (person_id IS NULL))
);
CREATE INDEX session_by_key ON session (key_id, position);
CREATE INDEX session_by_person ON session (person_id, position);
CREATE INDEX session_by_end ON session (until_at);

-- What was changed, never changed itself. `actor_name` is what the actor was called then.
CREATE TABLE audit_log (
    position        BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    made_at         BIGINT NOT NULL,
    actor_kind      TEXT NOT NULL CHECK (actor_kind IN ('key', 'person', 'operator', 'service')),
    actor_id        UUID,
    actor_name      TEXT,
    action          TEXT NOT NULL,
    target_kind     TEXT NOT NULL,
    target_id       TEXT NOT NULL,
    old_value       TEXT,
    new_value       TEXT,
    request_id      TEXT
);
CREATE INDEX audit_log_by_organization ON audit_log (organization_id, position);
CREATE INDEX audit_log_by_target ON audit_log (organization_id, target_id, position);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_members ON member TO spotwright_tenant
    USING (organization_id = app_organization());
-- A person belongs to no organization: an organization sees those who are its members.
CREATE POLICY own_people ON person TO spotwright_tenant
    USING (EXISTS (SELECT 1 FROM member m
        WHERE m.person_id = person.id AND m.organization_id = app_organization()));
CREATE POLICY own_invitations ON invitation TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_sessions ON session TO spotwright_tenant
    USING (organization_id = app_organization());
CREATE POLICY own_log ON audit_log TO spotwright_tenant
    USING (organization_id = app_organization());

-- Not the password: nobody who reads as an organization has to do with it.
GRANT SELECT (position, id, email, name, created_at) ON person TO spotwright_tenant;
GRANT SELECT ON member, invitation, session, audit_log TO spotwright_tenant;
