-- Budgets in one currency, limits below what is committed, and runs that are being ended. An older program
-- knows nothing of this: set budgets and cancel runs once it is gone.

-- NULL in a run that an older program wrote: it counts as one in the budget's currency, as it did there.
ALTER TABLE run ADD COLUMN currency TEXT;
-- By its text: the server's JSON refuses characters that a brief may hold.
UPDATE run SET currency = substring(request from '"budget":\{[^{}]*"currency":"([A-Z]{3})"');

-- Whether the run is being ended: it gets no new work, and ends with the work under way.
ALTER TABLE run ADD COLUMN cancelling BIGINT NOT NULL DEFAULT 0 CHECK (cancelling IN (0, 1));

-- A budget keeps the currency of its organization's first run; without one it takes that of the first to
-- come. A limit below what is committed is allowed: nothing more is committed until enough is given back.
ALTER TABLE organization_budget ADD COLUMN currency TEXT;
-- The most that is committed beyond the limit: what was when it was set, or what was billed since.
ALTER TABLE organization_budget ADD COLUMN excess_micros BIGINT NOT NULL DEFAULT 0 CHECK (excess_micros >= 0);
DO $$
DECLARE
    bound TEXT;
BEGIN
    FOR bound IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'organization_budget'::regclass AND contype = 'c'
        AND pg_get_constraintdef(oid) LIKE '%committed_micros%'
    LOOP
        EXECUTE format('ALTER TABLE organization_budget DROP CONSTRAINT %I', bound);
    END LOOP;
END $$;
UPDATE organization_budget b SET currency =
    (SELECT r.currency FROM run r WHERE r.organization_id = b.organization_id ORDER BY r.position LIMIT 1);
-- The sum over the organization's runs in the currency, kept with them in the same transactions.
UPDATE organization_budget b SET committed_micros =
    (SELECT coalesce(sum(r.committed_micros), 0) FROM run r
     WHERE r.organization_id = b.organization_id AND coalesce(r.currency, b.currency) = b.currency);
ALTER TABLE organization_budget ADD CONSTRAINT committed_within_limit
    CHECK (committed_micros >= 0 AND (committed_micros <= cap_micros OR committed_micros <= excess_micros));

DROP VIEW organization_balance;
CREATE VIEW organization_balance AS
SELECT b.organization_id, r.currency, sum(b.cap) AS cap, sum(b.settled) AS settled, sum(b.reserved) AS reserved
FROM run_balance b JOIN run r ON r.id = b.run_id
GROUP BY b.organization_id, r.currency;
