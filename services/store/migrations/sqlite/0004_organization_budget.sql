-- What an organization may spend over all its runs. An organization without a row has no limit.
--
-- A run commits its whole budget from its creation to its end, and then what it has settled and still
-- has reserved.

ALTER TABLE run ADD COLUMN committed_micros INTEGER NOT NULL DEFAULT 0 CHECK (committed_micros >= 0);
UPDATE run SET committed_micros =
    CASE WHEN state = 'finished' THEN settled_micros + reserved_micros ELSE budget_micros END;

CREATE TABLE organization_budget (
    organization_id  BLOB    NOT NULL PRIMARY KEY CHECK (length(organization_id) = 16),
    cap_micros       INTEGER NOT NULL CHECK (cap_micros >= 0),
    -- The sum over the organization's runs, kept with them in the same transactions.
    committed_micros INTEGER NOT NULL CHECK (committed_micros BETWEEN 0 AND cap_micros)
) STRICT;
