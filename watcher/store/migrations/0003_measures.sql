-- When a watch was last asked for as far behind its cursor as late publications need it once a day.
ALTER TABLE watches ADD COLUMN reread TEXT;

-- How many polls of the catalogue there were before.
ALTER TABLE polls ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;

-- What questions listed and cost, by the day: what the next ones are chosen by.
CREATE TABLE measures (
  collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
  way TEXT NOT NULL CHECK (way IN ('sweep', 'places', 'whole')),
  day TEXT NOT NULL,
  questions INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  places INTEGER NOT NULL DEFAULT 0,
  listed INTEGER NOT NULL DEFAULT 0,
  fresh INTEGER NOT NULL DEFAULT 0,     -- products that the catalogue learnt of since it was last asked
  seconds REAL NOT NULL DEFAULT 0,      -- the time in which it did, for each place
  requests INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (collection, way, day)
) STRICT, WITHOUT ROWID;

-- Products that appeared in an hour (2026-11-22T14, UTC), and how many minutes they were behind the cursor by then,
-- rounded up; -1: at no watched place, so that it is not known.
CREATE TABLE appearances (
  collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
  hour TEXT NOT NULL,
  behind INTEGER NOT NULL,
  products INTEGER NOT NULL,
  PRIMARY KEY (collection, hour, behind)
) STRICT, WITHOUT ROWID;
