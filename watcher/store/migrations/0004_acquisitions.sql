-- Which acquisition and level it is of, as one text: the same in every catalogue, for whatever processing.
ALTER TABLE revisions ADD COLUMN acquisition TEXT;
UPDATE revisions SET acquisition = acquisition_of(id, title, acquired);
CREATE INDEX revision_acquisition ON revisions (acquisition) WHERE acquisition IS NOT NULL;
-- The revision, under another id in the same collection, that is a newer processing of it.
ALTER TABLE revisions ADD COLUMN replaced INTEGER;
-- Why the catalogue says that it took the product away.
ALTER TABLE arrivals ADD COLUMN cause TEXT;
