-- By which commit of the files a daemon goes, and which commits the files in force in an app came after, so that a daemon whose
-- repository does not have the newer commit yet knows that it is behind.
ALTER TABLE daemons ADD COLUMN revision TEXT;
ALTER TABLE apps ADD COLUMN overtaken TEXT;
