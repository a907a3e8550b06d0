-- Campaigns that people make of finished ads stand beside those of runs: `generation` is their number within the run,
-- below 0. `made` is what was ordered and how far it has come, as JSON; `next_at` is when the next day is due, and NULL
-- once the campaign has ended. A day is claimed like a step, with a lease and a fence.

ALTER TABLE campaign ADD COLUMN made TEXT;
ALTER TABLE campaign ADD COLUMN made_at INTEGER;
ALTER TABLE campaign ADD COLUMN next_at INTEGER;
ALTER TABLE campaign ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
CREATE INDEX campaign_due ON campaign (next_at) WHERE next_at IS NOT NULL;

-- Whether everything that people place has to be approved as it is.
ALTER TABLE organization ADD COLUMN approval_required INTEGER NOT NULL DEFAULT 0 CHECK (approval_required IN (0, 1));

-- The variant that a run makes a revision of, which its order names too.
ALTER TABLE run_order ADD COLUMN revises BLOB;
-- Texts of ids are digits of 16 bytes between dashes.
UPDATE run_order SET revises = unhex(replace(json_extract(detail, '$.revises.variant'), '-', ''))
    WHERE json_extract(detail, '$.revises.variant') IS NOT NULL;
CREATE INDEX run_order_by_revised ON run_order (revises) WHERE revises IS NOT NULL;
