-- Places that people imported or that a catalogue's products outline, by name. They are known, not watched.
CREATE TABLE places (
  folded TEXT PRIMARY KEY,              -- the name without case, accents, blanks and punctuation
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  geometry TEXT NOT NULL,               -- GeoJSON, WGS84
  country TEXT,
  land TEXT NOT NULL,                   -- the country, folded; '' where it is not known
  origin TEXT NOT NULL,
  exact INTEGER NOT NULL CHECK (exact IN (0, 1)),
  grid TEXT,
  imported TEXT NOT NULL                -- when it was first known, or last changed
) STRICT, WITHOUT ROWID;
