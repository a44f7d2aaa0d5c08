-- By which commit of the files a daemon goes, and since when it has said again and again that it lives: who was silent meanwhile
-- is dead, unless nobody could reach the store.
ALTER TABLE daemons ADD COLUMN revision TEXT;
ALTER TABLE daemons ADD COLUMN steady BIGINT NOT NULL DEFAULT 0;
-- Which commits the files in force in an app came after, so that a daemon whose repository does not have the newer commit yet
-- knows that it is behind.
ALTER TABLE apps ADD COLUMN overtaken TEXT;
-- The daemon that put them into force, which may go by newer ones since.
ALTER TABLE apps ADD COLUMN files_by TEXT;
