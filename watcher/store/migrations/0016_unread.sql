-- Items of answers that could not be read as products: one row each, while they are listed so.
CREATE TABLE unread (
  collection INTEGER NOT NULL REFERENCES collections,
  digest TEXT NOT NULL,                 -- of all of the raw text
  id TEXT NOT NULL,                     -- '' where none can be read
  raw TEXT NOT NULL,                    -- its JSON, cut at 64 KiB
  problem TEXT NOT NULL,
  first TEXT NOT NULL,
  seen TEXT NOT NULL,
  PRIMARY KEY (collection, digest)
) STRICT;
CREATE INDEX unread_id ON unread (collection, id);
CREATE INDEX unread_seen ON unread (collection, seen);
