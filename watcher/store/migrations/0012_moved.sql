-- The archive that it was stored in, a directory or the address of a bucket: the one of the configuration may be another
-- by now. NULL: that was not noted yet.
ALTER TABLE downloads ADD COLUMN archive TEXT;
