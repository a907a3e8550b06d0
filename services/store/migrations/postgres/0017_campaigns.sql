-- Campaigns: what a run places in one generation. A row is written with the first placement, by the database, so
-- also when a program of an older version places. `report` is what the market said, as JSON, without what became
-- of each ad, which stands with its placement.

ALTER TABLE placement ADD COLUMN held TEXT CHECK (held IN ('paused', 'ended'));

CREATE TABLE campaign (
    position        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id          UUID   NOT NULL REFERENCES run (id),
    generation      BIGINT NOT NULL,
    organization_id UUID   NOT NULL,
    product         TEXT   NOT NULL,
    objective       TEXT   NOT NULL,
    placement       TEXT   NOT NULL,
    hold            TEXT CHECK (hold IN ('paused', 'ended')),
    report          TEXT,
    UNIQUE (run_id, generation)
);
CREATE INDEX campaign_by_organization ON campaign (organization_id, position);

INSERT INTO campaign (run_id, generation, organization_id, product, objective, placement, report)
    SELECT r.id, p.generation, r.organization_id,
           coalesce(r.request::json -> 'brief' -> 'product' ->> 'name', ''),
           coalesce(r.request::json -> 'brief' ->> 'objective', 'clicks'),
           coalesce(r.request::json -> 'brief' -> 'placements' ->> 0, 'simulated_feed'),
           (r.workflow::json -> 'reports' -> (p.generation - 1)::int)::text
    FROM run r JOIN (SELECT DISTINCT run_id, generation FROM placement) p ON p.run_id = r.id
    ORDER BY r.position, p.generation;

CREATE FUNCTION place_in_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM campaign WHERE run_id = NEW.run_id AND generation = NEW.generation) THEN
        INSERT INTO campaign (run_id, generation, organization_id, product, objective, placement)
            SELECT r.id, NEW.generation, r.organization_id,
                   coalesce(r.request::json -> 'brief' -> 'product' ->> 'name', ''),
                   coalesce(r.request::json -> 'brief' ->> 'objective', 'clicks'),
                   coalesce(r.request::json -> 'brief' -> 'placements' ->> 0, 'simulated_feed')
            FROM run r WHERE r.id = NEW.run_id
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_placement_has_its_campaign AFTER INSERT ON placement FOR EACH ROW
    EXECUTE FUNCTION place_in_campaign();

-- The names of campaigns at platforms.
CREATE TABLE campaign_ref (
    organization_id UUID   NOT NULL,
    platform        TEXT   NOT NULL,
    external_id     TEXT   NOT NULL,
    account         TEXT   NOT NULL,
    run_id          UUID   NOT NULL REFERENCES run (id),
    generation      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, platform, external_id)
);
CREATE INDEX campaign_ref_by_campaign ON campaign_ref (run_id, generation);

ALTER TABLE campaign ENABLE ROW LEVEL SECURITY;
ALTER TABLE campaign_ref ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_campaigns ON campaign TO spotwright_tenant USING (organization_id = app_organization());
CREATE POLICY own_campaign_references ON campaign_ref TO spotwright_tenant
    USING (organization_id = app_organization());
GRANT SELECT ON campaign, campaign_ref TO spotwright_tenant;
