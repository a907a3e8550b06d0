-- Budgets in one currency, limits below what is committed, and runs that are being ended.

-- NULL in a run that an older program wrote: it counts as one in the budget's currency, as it did there.
ALTER TABLE run ADD COLUMN currency TEXT;
UPDATE run SET currency = json_extract(request, '$.brief.budget.currency');

-- Whether the run is being ended: it gets no new work, and ends with the work under way.
ALTER TABLE run ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0 CHECK (cancelling IN (0, 1));

-- A budget keeps the currency of its organization's first run; without one it takes that of the first to
-- come. A limit below what is committed is allowed: nothing more is committed until enough is given back.
CREATE TABLE organization_budget_in_currency (
    organization_id  BLOB    NOT NULL PRIMARY KEY CHECK (length(organization_id) = 16),
    currency         TEXT,
    cap_micros       INTEGER NOT NULL CHECK (cap_micros >= 0),
    -- The sum over the organization's runs in the currency, kept with them in the same transactions.
    committed_micros INTEGER NOT NULL CHECK (committed_micros >= 0),
    -- The most that is committed beyond the limit: what was when it was set, or what was billed since.
    excess_micros    INTEGER NOT NULL DEFAULT 0 CHECK (excess_micros >= 0),
    CHECK (committed_micros <= cap_micros OR committed_micros <= excess_micros)
) STRICT;
INSERT INTO organization_budget_in_currency (organization_id, currency, cap_micros, committed_micros)
SELECT b.organization_id,
       (SELECT r.currency FROM run r WHERE r.organization_id = b.organization_id ORDER BY r.position LIMIT 1),
       b.cap_micros, 0
FROM organization_budget b;
UPDATE organization_budget_in_currency SET committed_micros =
    (SELECT coalesce(sum(r.committed_micros), 0) FROM run r
     WHERE r.organization_id = organization_budget_in_currency.organization_id
     AND coalesce(r.currency, organization_budget_in_currency.currency) = organization_budget_in_currency.currency);
DROP TABLE organization_budget;
ALTER TABLE organization_budget_in_currency RENAME TO organization_budget;

DROP VIEW organization_balance;
CREATE VIEW organization_balance AS
SELECT b.organization_id, r.currency, sum(b.cap) AS cap, sum(b.settled) AS settled, sum(b.reserved) AS reserved
FROM run_balance b JOIN run r ON r.id = b.run_id
GROUP BY b.organization_id, r.currency;
