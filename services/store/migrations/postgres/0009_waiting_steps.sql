-- Steps that wait for something outside without a worker and without a lease. An older program beside this
-- one knows no such steps and does not ask for their kinds.

-- What the last wait left for the next attempt, as JSON of at most 16 KiB; NULL before the first.
ALTER TABLE step ADD COLUMN progress TEXT;
-- How often the step ended its claim to wait; such claims are not in `attempts`.
ALTER TABLE step ADD COLUMN waits BIGINT NOT NULL DEFAULT 0 CHECK (waits >= 0);
