-- Its files, as they were proven: JSON list of name, size, checksum, how. A product of one file has one.
ALTER TABLE downloads ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
-- It stays, whatever the limits of the archive say.
ALTER TABLE downloads ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
-- Since when the limits of the archive want it gone; and when it went.
ALTER TABLE downloads ADD COLUMN doomed TEXT;
ALTER TABLE downloads ADD COLUMN dropped TEXT;
-- When it was last looked at, and what was wrong with it then.
ALTER TABLE downloads ADD COLUMN examined TEXT;
ALTER TABLE downloads ADD COLUMN fault TEXT;
-- Since when the provider brings it from its tapes.
ALTER TABLE downloads ADD COLUMN staged TEXT;

-- Bytes that came from a catalogue, by the day (UTC).
CREATE TABLE volumes (
  catalogue TEXT NOT NULL,
  day TEXT NOT NULL,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (catalogue, day)
) STRICT, WITHOUT ROWID;

-- A command owed to a product that came home. due IS NULL: nothing is left to do.
CREATE TABLE hook_runs (
  hook TEXT NOT NULL,
  revision INTEGER NOT NULL REFERENCES revisions,
  owed TEXT NOT NULL,
  due TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  began TEXT,
  ended TEXT,
  code INTEGER,                         -- its exit status; NULL: it was killed
  output TEXT,                          -- the end of what it printed
  given_up TEXT,
  problem TEXT,
  PRIMARY KEY (hook, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_run_due ON hook_runs (due) WHERE due IS NOT NULL;
