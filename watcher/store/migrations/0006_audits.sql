-- When all that a watch covers was last listed, how many products that were, how many of them could not be read, how
-- many no poll had seen before, and when it is to be listed again.
ALTER TABLE watches ADD COLUMN reconciled TEXT;
ALTER TABLE watches ADD COLUMN counted INTEGER;
ALTER TABLE watches ADD COLUMN lacking INTEGER;
ALTER TABLE watches ADD COLUMN mended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE watches ADD COLUMN reconcile TEXT;
-- Seconds after its publication, of what was found there by a later poll than the first that might have.
ALTER TABLE sightings ADD COLUMN late INTEGER;
