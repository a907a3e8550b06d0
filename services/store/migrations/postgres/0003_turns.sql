-- Fairness between organizations, and runs that are held back. An older program may work beside this
-- one: it claims by time instead of by turn, and its new steps have turn 0.

-- Order of claims within a kind: the steps of one organization follow one another, those of several
-- are taken in turns.
ALTER TABLE step ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
-- Whether the run is paused: the step waits until it goes on.
ALTER TABLE step ADD COLUMN held BIGINT NOT NULL DEFAULT 0 CHECK (held IN (0, 1));
ALTER TABLE run ADD COLUMN paused BIGINT NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));

CREATE INDEX step_turn ON step (kind, turn, position) WHERE state = 'ready';
CREATE INDEX step_turn_of_organization ON step (kind, organization_id, turn) WHERE state = 'ready';
CREATE INDEX step_waiting ON step (run_at) WHERE state = 'waiting';
DROP INDEX step_ready;
