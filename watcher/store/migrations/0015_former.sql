-- Where it lay, in which archive, and as which files, when it was last wanted anew: what of that is not its own once it
-- is home again leaves. NULL: nothing is to leave.
ALTER TABLE downloads ADD COLUMN former TEXT;
CREATE INDEX download_former ON downloads (revision) WHERE former IS NOT NULL;
