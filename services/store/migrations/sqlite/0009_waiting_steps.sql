-- Steps that wait for something outside without a worker and without a lease.

-- What the last wait left for the next attempt, as JSON of at most 16 KiB; NULL before the first.
ALTER TABLE step ADD COLUMN progress TEXT;
-- How often the step ended its claim to wait; such claims are not in `attempts`.
ALTER TABLE step ADD COLUMN waits INTEGER NOT NULL DEFAULT 0 CHECK (waits >= 0);
