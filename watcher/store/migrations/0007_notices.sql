-- Words that group sites: `add-site --tag`.
CREATE TABLE site_tags (
  site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
  tag TEXT NOT NULL,                    -- folded
  PRIMARY KEY (site, tag)
) STRICT, WITHOUT ROWID;

-- Filters. Lists are JSON; an empty one is everything.
ALTER TABLE subscriptions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriptions ADD COLUMN collections TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriptions ADD COLUMN platforms TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriptions ADD COLUMN events TEXT NOT NULL DEFAULT '["new","revised","withdrawn"]';
ALTER TABLE subscriptions ADD COLUMN unknown_cloud INTEGER NOT NULL DEFAULT 1 CHECK (unknown_cloud IN (0, 1));
ALTER TABLE subscriptions ADD COLUMN min_coverage REAL CHECK (min_coverage BETWEEN 0 AND 100);
ALTER TABLE subscriptions ADD COLUMN acquired_since TEXT;
-- When to send: at each pass, or at a full hour, a time of day (HH:MM), that of a weekday (0 is Monday), in the zone.
ALTER TABLE subscriptions ADD COLUMN every TEXT NOT NULL DEFAULT 'pass' CHECK (every IN ('pass', 'hour', 'day', 'week'));
ALTER TABLE subscriptions ADD COLUMN at TEXT NOT NULL DEFAULT '08:00';
ALTER TABLE subscriptions ADD COLUMN weekday INTEGER NOT NULL DEFAULT 0 CHECK (weekday BETWEEN 0 AND 6);
ALTER TABLE subscriptions ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';
-- Nothing is sent between these times of day (HH:MM-HH:MM).
ALTER TABLE subscriptions ADD COLUMN quiet TEXT;
-- Nothing is owed until then.
ALTER TABLE subscriptions ADD COLUMN muted TEXT;
-- Which columns a notice has, in which order (JSON list); empty leaves it to us.
ALTER TABLE subscriptions ADD COLUMN fields TEXT NOT NULL DEFAULT '[]';
-- A word once a week that we still look, though nothing came.
ALTER TABLE subscriptions ADD COLUMN still INTEGER NOT NULL DEFAULT 0 CHECK (still IN (0, 1));
-- Since when these terms hold.
ALTER TABLE subscriptions ADD COLUMN changed TEXT;
UPDATE subscriptions SET changed = added;

-- How much of the site a product covers, in percent; NULL: not known.
ALTER TABLE arrivals ADD COLUMN coverage REAL;

-- What did not go, or did not come, as it should: told like an arrival. One of a kind and topic is open at a time.
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('late', 'health', 'still')),
  topic TEXT NOT NULL,                  -- what it is about: 'catalogue cdse', 'disk archive'
  site INTEGER REFERENCES sites ON DELETE CASCADE,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  hint TEXT,
  raised TEXT NOT NULL,
  cleared TEXT
) STRICT;
CREATE UNIQUE INDEX alert_open ON alerts (kind, topic) WHERE cleared IS NULL;

-- An arrival, the news that its files are home, or an alert, owed to an address, until sent. due IS NULL: nothing is
-- left to do.
CREATE TABLE deliveries_anew (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  arrival INTEGER REFERENCES arrivals ON DELETE CASCADE,
  alert INTEGER REFERENCES alerts ON DELETE CASCADE,
  home INTEGER NOT NULL DEFAULT 0 CHECK (home IN (0, 1)),
  subscription INTEGER NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  address TEXT NOT NULL,
  owed TEXT NOT NULL,
  due TEXT,
  hold TEXT CHECK (hold IN ('digest', 'quiet')),  -- why it waits until it is due
  sending TEXT,                         -- since when it is being sent
  tried TEXT,                           -- when the last try ended
  attempts INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0,   -- the last send had no answer: it may have arrived
  sent TEXT,
  given_up TEXT,
  notice TEXT,                          -- the key of the last notice that told of it
  problem TEXT,
  answer TEXT,                          -- what the provider said when it took it
  CHECK ((arrival IS NULL) <> (alert IS NULL))
) STRICT;
INSERT INTO deliveries_anew (number, arrival, subscription, address, owed, due, tried, attempts, unknown, sent, given_up,
  notice, problem) SELECT d.number, arrival, subscription, address, arrived, due, coalesce(sent, given_up), attempts,
  unknown, sent, given_up, notice, problem FROM deliveries AS d JOIN arrivals ON arrivals.number = arrival;
DROP TABLE deliveries;
ALTER TABLE deliveries_anew RENAME TO deliveries;
CREATE UNIQUE INDEX delivery_arrival ON deliveries (arrival, address, home) WHERE arrival IS NOT NULL;
CREATE UNIQUE INDEX delivery_alert ON deliveries (alert, address) WHERE alert IS NOT NULL;
CREATE INDEX delivery_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX delivery_subscription ON deliveries (subscription);
