-- One schema for SQLite and PostgreSQL: only TEXT and BIGINT. Times are nanoseconds since 1970, flags are 0 and 1, and
-- what has parts is JSON. A version that was released is never edited; the next one is a file of its own.

-- Who may write to an app, and when it is next due.
CREATE TABLE apps (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    owner TEXT,
    epoch BIGINT NOT NULL,
    lease_until BIGINT,
    next_due BIGINT,
    -- The number of the last intent.
    intents BIGINT NOT NULL,
    PRIMARY KEY (app, origin)
);
CREATE INDEX apps_by_due ON apps (next_due);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    -- The ledger's entry about its begin, which orders runs whatever the clocks say.
    seq BIGINT NOT NULL,
    command TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    revision TEXT,
    fingerprint TEXT,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    ended_at BIGINT,
    how TEXT,
    message TEXT,
    counts TEXT
);
CREATE INDEX runs_by_seq ON runs (seq);

-- What is about to be sent. A row goes when it is known what came of it.
CREATE TABLE intents (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    absences BIGINT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (app, origin, id),
    UNIQUE (app, origin, action),
    FOREIGN KEY (app, origin) REFERENCES apps (app, origin)
);

-- The ledger. `body` is what is hashed; the other columns only find it.
CREATE TABLE ledger (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    run TEXT,
    kind TEXT NOT NULL,
    app TEXT,
    origin TEXT,
    action TEXT,
    verb TEXT,
    account_id TEXT,
    result TEXT,
    -- It made an account.
    made BIGINT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX ledger_by_app ON ledger (app, origin, at);
CREATE INDEX ledger_by_verb ON ledger (app, origin, verb, seq);
CREATE INDEX ledger_by_run ON ledger (run, seq);

-- Whom an entry is about, as addresses are compared.
CREATE TABLE ledger_people (
    person TEXT NOT NULL,
    seq BIGINT NOT NULL REFERENCES ledger (seq),
    PRIMARY KEY (person, seq)
);
CREATE INDEX ledger_people_by_seq ON ledger_people (seq);

-- The ledger's last entry; locked by whoever adds one.
CREATE TABLE ledger_head (
    one BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO ledger_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE approval_uses (
    approval TEXT NOT NULL,
    action TEXT NOT NULL,
    person TEXT NOT NULL,
    place TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (approval, action, person)
);

CREATE TABLE budgets (
    bucket TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    saved_at BIGINT NOT NULL
);

-- What only a request about one account shows.
CREATE TABLE facts (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (app, origin, account, kind)
);

CREATE TABLE readings (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    at BIGINT NOT NULL,
    complete BIGINT NOT NULL,
    -- All accounts were seen.
    all_accounts BIGINT NOT NULL,
    accounts BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (app, origin, at)
);
CREATE INDEX readings_by_extent ON readings (app, origin, all_accounts, at);

-- What was seen, from the first reading that showed it until the first that showed something else, or proved it gone.
CREATE TABLE seen_accounts (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    account TEXT NOT NULL,
    seen_from BIGINT NOT NULL,
    seen_to BIGINT,
    email TEXT NOT NULL,
    -- The address as addresses are compared.
    email_key TEXT NOT NULL,
    status TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (app, origin, account, seen_from)
);
CREATE INDEX seen_accounts_now ON seen_accounts (app, origin) WHERE seen_to IS NULL;
CREATE INDEX seen_accounts_by_email ON seen_accounts (email_key);

CREATE TABLE seen_members (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    account TEXT NOT NULL,
    group_id TEXT NOT NULL,
    seen_from BIGINT NOT NULL,
    seen_to BIGINT,
    group_name TEXT NOT NULL,
    status TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (app, origin, account, group_id, seen_from)
);
CREATE INDEX seen_members_now ON seen_members (app, origin) WHERE seen_to IS NULL;
