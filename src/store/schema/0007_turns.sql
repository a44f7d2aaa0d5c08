-- Whose turn it is to go through an app's cycle, counted so that a daemon that was overtaken is told from the next one, and
-- what came of the last cycle that ended.
ALTER TABLE apps ADD COLUMN turns BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN turn_of TEXT;
ALTER TABLE apps ADD COLUMN turn_until BIGINT;
ALTER TABLE apps ADD COLUMN turn_began BIGINT;
ALTER TABLE apps ADD COLUMN cycle TEXT;
-- By which files that cycle went, and by which files the app was last written to.
ALTER TABLE apps ADD COLUMN cycle_files TEXT;
ALTER TABLE apps ADD COLUMN files TEXT;

-- Daemons that have an app in their files, each until it no longer says that it lives.
CREATE TABLE daemons (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    daemon TEXT NOT NULL,
    name TEXT NOT NULL,
    files TEXT NOT NULL,
    writes BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (app, origin, daemon)
);
CREATE INDEX daemons_by_daemon ON daemons (daemon);
