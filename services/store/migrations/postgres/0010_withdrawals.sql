-- Variants that say what a product feed has made untrue, and the placements that end with that. An older program
-- beside this one cannot read a withdrawn variant and answers for its run with an error until it is replaced.

ALTER TABLE variant DROP CONSTRAINT variant_state_check;
ALTER TABLE variant ADD CONSTRAINT variant_state_check CHECK (state IN
    ('drafted', 'previewed', 'scored', 'selected', 'rendered', 'won', 'rejected', 'failed', 'withdrawn'));
-- Whether it ended because its variant was withdrawn; `delivery` holds what was delivered by then.
ALTER TABLE placement ADD COLUMN ended BIGINT NOT NULL DEFAULT 0 CHECK (ended IN (0, 1));
