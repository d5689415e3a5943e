-- When the last poll began, and ended, that had everything answered that there was to ask of a collection.
ALTER TABLE collections ADD COLUMN asked TEXT;
ALTER TABLE collections ADD COLUMN answered TEXT;
UPDATE collections SET (asked, answered) = (SELECT started, finished FROM polls WHERE catalogue = collections.catalogue
  AND finished IS NOT NULL AND problem IS NULL ORDER BY number DESC LIMIT 1);
