-- How often the work of a step ended with an error worth another try. Claims are counted apart, in
-- `attempts`: a process that dies of something else says nothing against the step. An older program
-- beside this one counts claims only.

ALTER TABLE step ADD COLUMN errors BIGINT NOT NULL DEFAULT 0 CHECK (errors >= 0);
