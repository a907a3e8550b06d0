-- An organization's ledger, newest first.
CREATE INDEX ledger_by_organization ON ledger (organization_id, position);
