-- Sandboxes: organizations in which another one tries things out.

-- Whose sandbox it is; NULL: it is none.
ALTER TABLE organization ADD COLUMN sandbox_of UUID REFERENCES organization (id);
-- How far its clock was moved forward, in microseconds.
ALTER TABLE organization ADD COLUMN clock_moved BIGINT NOT NULL DEFAULT 0
    CHECK (clock_moved >= 0 AND (clock_moved = 0 OR sandbox_of IS NOT NULL));
CREATE UNIQUE INDEX organization_by_sandbox ON organization (sandbox_of) WHERE sandbox_of IS NOT NULL;
-- Those whose clock differs from the machine's.
CREATE INDEX organization_moved ON organization (id) WHERE clock_moved > 0;

-- The ledger of a sandbox holds no money, and goes with it.
DROP TRIGGER ledger_is_append_only ON ledger;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM organization WHERE id = OLD.organization_id AND sandbox_of IS NOT NULL) THEN
        RAISE EXCEPTION 'the ledger is append only';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_removal();
