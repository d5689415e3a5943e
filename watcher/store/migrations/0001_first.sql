-- A catalogue's named set of products.
CREATE TABLE collections (
  number INTEGER PRIMARY KEY,
  catalogue TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (catalogue, name)
) STRICT;

-- AUTOINCREMENT, where rows go: a number that somebody still holds must never come to mean another row.
CREATE TABLE sites (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,          -- the name without case and accents
  geometry TEXT,                        -- GeoJSON, WGS84
  country TEXT,
  origin TEXT NOT NULL,                 -- where the geometry comes from
  paused TEXT,
  added TEXT NOT NULL
) STRICT;

-- What we look for.
CREATE TABLE watches (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
  collection INTEGER NOT NULL REFERENCES collections,
  level TEXT NOT NULL,                  -- '' is every level
  code TEXT,
  max_cloud REAL CHECK (max_cloud BETWEEN 0 AND 100),
  since TEXT,
  download INTEGER CHECK (download IN (0, 1)),
  announce INTEGER NOT NULL DEFAULT 0 CHECK (announce IN (0, 1)),
  baselined TEXT,
  looked_from TEXT,                     -- the earliest acquisition that the baseline covers; NULL: all
  cursor TEXT,
  added TEXT NOT NULL,
  UNIQUE (site, collection, level)
) STRICT;

-- Who wants to hear.
CREATE TABLE subscriptions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT NOT NULL,                -- mail:someone@…, channel:NAME or url:NUMBER; never a secret
  name TEXT NOT NULL,
  every_site INTEGER NOT NULL CHECK (every_site IN (0, 1)),
  levels TEXT NOT NULL DEFAULT '[]',    -- JSON list; empty is every level
  max_cloud REAL CHECK (max_cloud BETWEEN 0 AND 100),
  added TEXT NOT NULL
) STRICT;

CREATE TABLE subscription_sites (
  subscription INTEGER NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
  PRIMARY KEY (subscription, site)
) STRICT, WITHOUT ROWID;

-- One row for each processing of a product. The unique index answers "is this known?" by itself.
CREATE TABLE revisions (
  number INTEGER PRIMARY KEY,
  collection INTEGER NOT NULL REFERENCES collections,
  id TEXT NOT NULL,
  token TEXT NOT NULL,
  title TEXT NOT NULL,
  level TEXT,
  acquired TEXT,
  published TEXT,
  updated TEXT,
  cloud REAL,
  platform TEXT,
  instrument TEXT,
  geometry TEXT,
  link TEXT,
  quicklook TEXT,
  assets TEXT NOT NULL,                 -- JSON list of key, href, type, size, checksum
  seen TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX revision_identity ON revisions (collection, id, token);

-- That a revision was listed for a site; missing since a complete look no longer lists it.
CREATE TABLE sightings (
  revision INTEGER NOT NULL REFERENCES revisions,
  site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
  missing TEXT,
  PRIMARY KEY (revision, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX sighting_site ON sightings (site, revision);

CREATE TABLE polls (
  number INTEGER PRIMARY KEY,
  catalogue TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  listed INTEGER NOT NULL DEFAULT 0,
  arrived INTEGER NOT NULL DEFAULT 0,
  not_before TEXT,                      -- the server asked us to stay away until then
  problem TEXT
) STRICT;
CREATE INDEX poll_catalogue ON polls (catalogue, number);

CREATE TABLE arrivals (
  number INTEGER PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
  revision INTEGER NOT NULL REFERENCES revisions,
  event TEXT NOT NULL CHECK (event IN ('new', 'revised', 'withdrawn')),
  arrived TEXT NOT NULL,
  UNIQUE (site, revision, event)
) STRICT;
CREATE INDEX arrival_revision ON arrivals (revision);

-- An arrival owed to an address, until sent. due IS NULL: nothing is left to do.
CREATE TABLE deliveries (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  arrival INTEGER NOT NULL REFERENCES arrivals ON DELETE CASCADE,
  subscription INTEGER NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  address TEXT NOT NULL,
  due TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0,   -- the last send had no answer: it may have arrived
  sent TEXT,
  given_up TEXT,
  notice TEXT,                          -- the key of the last notice that told of it
  problem TEXT,
  UNIQUE (arrival, address)
) STRICT;
CREATE INDEX delivery_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX delivery_subscription ON deliveries (subscription);

-- A product wanted on disk, until there. due IS NULL: nothing is left to do.
CREATE TABLE downloads (
  revision INTEGER PRIMARY KEY REFERENCES revisions,
  site TEXT NOT NULL,                   -- the site's name, for the shelf; a site may go, its files stay
  wanted TEXT NOT NULL,
  due TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  stored TEXT,
  path TEXT,                            -- relative to the archive, taken at the first try
  size INTEGER,
  checksum TEXT,
  verified TEXT,
  fetched INTEGER NOT NULL DEFAULT 0,
  given_up TEXT,
  problem TEXT
) STRICT;
CREATE INDEX download_due ON downloads (due) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX download_path ON downloads (lower(path)) WHERE path IS NOT NULL;
