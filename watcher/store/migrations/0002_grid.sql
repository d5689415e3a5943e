-- STAC grid:code, of a site that is a tile and of a product that covers one.
ALTER TABLE sites ADD COLUMN grid TEXT;
ALTER TABLE revisions ADD COLUMN grid TEXT;
