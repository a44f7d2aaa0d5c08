-- The personal values of entries, which `body` refers to. Deleting a row forgets them, and leaves the chain whole.
CREATE TABLE ledger_personal (
    seq BIGINT PRIMARY KEY REFERENCES ledger (seq),
    body TEXT NOT NULL
);

-- The form of the entries' bodies. Those of the first form hold personal values, and are rewritten when the store is opened.
ALTER TABLE ledger_head ADD COLUMN form BIGINT NOT NULL DEFAULT 1;
-- When old entries and readings were last deleted.
ALTER TABLE ledger_head ADD COLUMN swept_at BIGINT;
-- What old entries are still needed for is found by account and group.
ALTER TABLE ledger ADD COLUMN group_id TEXT;
CREATE INDEX ledger_by_account ON ledger (app, origin, account_id, seq);
