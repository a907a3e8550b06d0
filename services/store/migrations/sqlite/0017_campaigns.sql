-- Campaigns: what a run places in one generation. A row is written with the first placement, by the database, so
-- also when a program of an older version places. `report` is what the market said, as JSON, without what became
-- of each ad, which stands with its placement.

ALTER TABLE placement ADD COLUMN held TEXT CHECK (held IN ('paused', 'ended'));

CREATE TABLE campaign (
    position        INTEGER PRIMARY KEY,
    run_id          BLOB    NOT NULL REFERENCES run (id),
    generation      INTEGER NOT NULL,
    organization_id BLOB    NOT NULL,
    product         TEXT    NOT NULL,
    objective       TEXT    NOT NULL,
    placement       TEXT    NOT NULL,
    hold            TEXT CHECK (hold IN ('paused', 'ended')),
    report          TEXT,
    UNIQUE (run_id, generation)
) STRICT;
CREATE INDEX campaign_by_organization ON campaign (organization_id, position);

INSERT INTO campaign (run_id, generation, organization_id, product, objective, placement, report)
    SELECT r.id, p.generation, r.organization_id,
           coalesce(json_extract(r.request, '$.brief.product.name'), ''),
           coalesce(json_extract(r.request, '$.brief.objective'), 'clicks'),
           coalesce(json_extract(r.request, '$.brief.placements[0]'), 'simulated_feed'),
           json_extract(r.workflow, '$.reports[' || (p.generation - 1) || ']')
    FROM run r JOIN (SELECT DISTINCT run_id, generation FROM placement) p ON p.run_id = r.id
    ORDER BY r.position, p.generation;

CREATE TRIGGER a_placement_has_its_campaign AFTER INSERT ON placement
    BEGIN
        INSERT INTO campaign (run_id, generation, organization_id, product, objective, placement)
            SELECT r.id, NEW.generation, r.organization_id,
                   coalesce(json_extract(r.request, '$.brief.product.name'), ''),
                   coalesce(json_extract(r.request, '$.brief.objective'), 'clicks'),
                   coalesce(json_extract(r.request, '$.brief.placements[0]'), 'simulated_feed')
            FROM run r WHERE r.id = NEW.run_id
            AND NOT EXISTS (SELECT 1 FROM campaign c WHERE c.run_id = r.id AND c.generation = NEW.generation);
    END;

-- The names of campaigns at platforms.
CREATE TABLE campaign_ref (
    organization_id BLOB    NOT NULL,
    platform        TEXT    NOT NULL,
    external_id     TEXT    NOT NULL,
    account         TEXT    NOT NULL,
    run_id          BLOB    NOT NULL REFERENCES run (id),
    generation      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, platform, external_id)
) STRICT;
CREATE INDEX campaign_ref_by_campaign ON campaign_ref (run_id, generation);
