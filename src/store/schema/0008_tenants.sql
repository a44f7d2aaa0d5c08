-- By which connector an app is read. An entry of the files may be renamed, or its url spelt another way: what is known of an app
-- goes to the entry of the same connector that shows its accounts.
ALTER TABLE apps ADD COLUMN connector TEXT;
