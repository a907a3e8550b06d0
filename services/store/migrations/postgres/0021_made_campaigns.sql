-- Campaigns that people make of finished ads stand beside those of runs: `generation` is their number within the run,
-- below 0. `made` is what was ordered and how far it has come, as JSON; `next_at` is when the next day is due, and NULL
-- once the campaign has ended. A day is claimed like a step, with a lease and a fence.

ALTER TABLE campaign ADD COLUMN made TEXT;
ALTER TABLE campaign ADD COLUMN made_at BIGINT;
ALTER TABLE campaign ADD COLUMN next_at BIGINT;
ALTER TABLE campaign ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
CREATE INDEX campaign_due ON campaign (next_at) WHERE next_at IS NOT NULL;

-- Whether everything that people place has to be approved as it is.
ALTER TABLE organization ADD COLUMN approval_required BIGINT NOT NULL DEFAULT 0 CHECK (approval_required IN (0, 1));

-- The variant that a run makes a revision of, which its order names too.
ALTER TABLE run_order ADD COLUMN revises UUID;
UPDATE run_order SET revises = (detail::json -> 'revises' ->> 'variant')::uuid
    WHERE detail::json -> 'revises' ->> 'variant' IS NOT NULL;
CREATE INDEX run_order_by_revised ON run_order (revises) WHERE revises IS NOT NULL;
