-- Variants that say what a product feed has made untrue, and the placements that end with that.
--
-- SQLite cannot change a CHECK, so both tables are written anew: the new ones are filled, the old ones dropped with
-- the one that refers first, and renaming takes the reference along.

CREATE TABLE new_variant (
    id         BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    run_id     BLOB   NOT NULL REFERENCES run (id),
    generation INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN
        ('drafted', 'previewed', 'scored', 'selected', 'rendered', 'won', 'rejected', 'failed', 'withdrawn')),
    final_gate TEXT CHECK (final_gate IN ('passed', 'failed')),
    body       TEXT   NOT NULL,
    UNIQUE (run_id, generation, number)
) STRICT;
INSERT INTO new_variant (id, run_id, generation, number, state, final_gate, body)
    SELECT id, run_id, generation, number, state, final_gate, body FROM variant ORDER BY rowid;

CREATE TABLE new_placement (
    id          BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    run_id      BLOB   NOT NULL REFERENCES run (id),
    campaign_id TEXT   NOT NULL,
    variant_id  BLOB   NOT NULL REFERENCES new_variant (id),
    generation  INTEGER NOT NULL,
    delivery    TEXT,
    observed    INTEGER NOT NULL DEFAULT 0 CHECK (observed IN (0, 1)),
    -- Whether it ended because its variant was withdrawn; `delivery` holds what was delivered by then.
    ended       INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    UNIQUE (run_id, variant_id, generation)
) STRICT;
INSERT INTO new_placement (id, run_id, campaign_id, variant_id, generation, delivery, observed)
    SELECT id, run_id, campaign_id, variant_id, generation, delivery, observed FROM placement ORDER BY rowid;

DROP TABLE placement;
DROP TABLE variant;
ALTER TABLE new_variant RENAME TO variant;
ALTER TABLE new_placement RENAME TO placement;
CREATE INDEX variant_by_state ON variant (run_id, generation, state);
CREATE INDEX placement_by_generation ON placement (run_id, generation, observed);
CREATE INDEX placement_by_variant ON placement (variant_id);
