-- That a product is listed again after it was withdrawn happens to it, too. No row is lost on the way: deliveries are
-- carried along, as they would go with the arrivals that they are of.
CREATE TABLE arrivals_anew (
  number INTEGER PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES sites ON DELETE CASCADE,
  revision INTEGER NOT NULL REFERENCES revisions,
  event TEXT NOT NULL CHECK (event IN ('new', 'revised', 'withdrawn', 'returned')),
  arrived TEXT NOT NULL,
  cause TEXT,                           -- why it was withdrawn, as the catalogue says
  coverage REAL,                        -- how much of the site it covers, in percent
  UNIQUE (site, revision, event)
) STRICT;
INSERT INTO arrivals_anew SELECT number, site, revision, event, arrived, cause, coverage FROM arrivals;
CREATE TABLE deliveries_anew (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  arrival INTEGER REFERENCES arrivals_anew ON DELETE CASCADE,
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
  failed TEXT,
  odd INTEGER NOT NULL DEFAULT 0,
  doubtful INTEGER NOT NULL DEFAULT 0,
  cut TEXT,
  CHECK ((arrival IS NULL) <> (alert IS NULL))
) STRICT;
INSERT INTO sqlite_sequence (name, seq) SELECT 'deliveries_anew', seq FROM sqlite_sequence WHERE name = 'deliveries';
INSERT INTO deliveries_anew (number, arrival, alert, home, subscription, address, owed, due, hold, sending, tried,
  attempts, unknown, sent, given_up, notice, problem, answer, failed, odd, doubtful, cut) SELECT number, arrival, alert,
  home, subscription, address, owed, due, hold, sending, tried, attempts, unknown, sent, given_up, notice, problem,
  answer, failed, odd, doubtful, cut FROM deliveries;
DROP TABLE deliveries;
DROP TABLE arrivals;
ALTER TABLE arrivals_anew RENAME TO arrivals;
ALTER TABLE deliveries_anew RENAME TO deliveries;
CREATE INDEX arrival_revision ON arrivals (revision);
CREATE UNIQUE INDEX delivery_arrival ON deliveries (arrival, address, home) WHERE arrival IS NOT NULL;
CREATE UNIQUE INDEX delivery_alert ON deliveries (alert, address) WHERE alert IS NOT NULL;
CREATE INDEX delivery_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX delivery_subscription ON deliveries (subscription);
CREATE INDEX delivery_tried ON deliveries (address) WHERE sent IS NULL AND attempts > 0;
CREATE INDEX delivery_sending ON deliveries (sending) WHERE sending IS NOT NULL;
CREATE INDEX delivery_given_up ON deliveries (given_up) WHERE given_up IS NOT NULL;
