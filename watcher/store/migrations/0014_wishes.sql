-- The assets of its products that a watch asks for, as a JSON list of keys, patterns and roles. Empty, or NULL where it
-- was never said: those that the settings of the catalogue choose.
ALTER TABLE watches ADD COLUMN assets TEXT;
