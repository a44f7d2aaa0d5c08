-- Whose an account is, as far as that was accepted: the person's key as addresses are compared, what tied the two when it was
-- accepted, and the approval's line where it took one.
CREATE TABLE claims (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    account TEXT NOT NULL,
    identity TEXT NOT NULL,
    claimed_by TEXT NOT NULL,
    place TEXT,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (app, origin, account, identity)
);

-- Apps that an earlier version has read to the end, and that no run has read since: what the files claim of the accounts
-- that were there then is accepted.
CREATE TABLE claims_to_inherit (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    PRIMARY KEY (app, origin)
);
INSERT INTO claims_to_inherit (app, origin)
SELECT DISTINCT app, origin FROM readings WHERE all_accounts = 1;
