-- How each address takes what is sent to it: a row once something was.
CREATE TABLE recipients (
  address TEXT PRIMARY KEY,
  worked TEXT,                          -- when it last took a notice
  failing TEXT,                         -- since when it takes none
  failures INTEGER NOT NULL DEFAULT 0,  -- tries since then
  refusals INTEGER NOT NULL DEFAULT 0,  -- refusals for good among them, one after the other
  again TEXT,                           -- nothing is sent to it before
  aside TEXT,                           -- since when nothing is sent to it at all: it refuses for good
  problem TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO recipients (address, worked) SELECT address, max(sent) FROM deliveries WHERE sent IS NOT NULL
  GROUP BY address;

-- Since when it could not be sent: the end of the first try that failed.
ALTER TABLE deliveries ADD COLUMN failed TEXT;
-- Tries that failed though the address took another notice since the one before: it is this one that is refused.
ALTER TABLE deliveries ADD COLUMN odd INTEGER NOT NULL DEFAULT 0;
-- Tries after which nobody knew whether it had arrived: unanswered, or cut short.
ALTER TABLE deliveries ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;
-- When the last send began, if a crash or a stop cut it short.
ALTER TABLE deliveries ADD COLUMN cut TEXT;
UPDATE deliveries SET failed = coalesce(tried, owed), doubtful = unknown WHERE attempts > 0 AND sent IS NULL;
-- Of what is owed these know only what went wrong, so that owing costs no more.
CREATE INDEX delivery_tried ON deliveries (address) WHERE sent IS NULL AND attempts > 0;
CREATE INDEX delivery_sending ON deliveries (sending) WHERE sending IS NOT NULL;
CREATE INDEX delivery_given_up ON deliveries (given_up) WHERE given_up IS NOT NULL;

-- Why a download is not due yet: the poll that wants it is not over, there are more than may come without being asked
-- for, or somebody said no.
ALTER TABLE downloads ADD COLUMN held TEXT CHECK (held IN ('poll', 'approval', 'refused'));
CREATE INDEX download_held ON downloads (held) WHERE held IS NOT NULL;
