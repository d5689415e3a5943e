"""The tables, and how an older database becomes a newer one.

Each migration is one transaction, taken under a lock after a backup; a database that a newer watcher wrote is
refused. The applied migrations are in `_sqlite_migrations`; `PRAGMA user_version` repeats their number, so that
opening an up-to-date database costs one read.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.acquisitions import key
from watcher.errors import StoreError
from watcher.model import Product

if TYPE_CHECKING:
    from sqlite_utils import Database

_FIRST = """
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
"""

_GRID = """
-- STAC grid:code, of a site that is a tile and of a product that covers one.
ALTER TABLE sites ADD COLUMN grid TEXT;
ALTER TABLE revisions ADD COLUMN grid TEXT;
"""

_MEASURES = """
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
"""

_ACQUISITIONS = """
-- Which acquisition and level it is of, as one text: the same in every catalogue, for whatever processing.
ALTER TABLE revisions ADD COLUMN acquisition TEXT;
UPDATE revisions SET acquisition = acquisition_of(id, title, acquired);
CREATE INDEX revision_acquisition ON revisions (acquisition) WHERE acquisition IS NOT NULL;
-- The revision, under another id in the same collection, that is a newer processing of it.
ALTER TABLE revisions ADD COLUMN replaced INTEGER;
-- Why the catalogue says that it took the product away.
ALTER TABLE arrivals ADD COLUMN cause TEXT;
"""

_PLACES = """
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
"""

_AUDITS = """
-- When all that a watch covers was last listed, how many products that were, how many of them could not be read, how
-- many no poll had seen before, and when it is to be listed again.
ALTER TABLE watches ADD COLUMN reconciled TEXT;
ALTER TABLE watches ADD COLUMN counted INTEGER;
ALTER TABLE watches ADD COLUMN lacking INTEGER;
ALTER TABLE watches ADD COLUMN mended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE watches ADD COLUMN reconcile TEXT;
-- Seconds after its publication, of what was found there by a later poll than the first that might have.
ALTER TABLE sightings ADD COLUMN late INTEGER;
"""

_LOOKS = """
-- When the last poll began, and ended, that had everything answered that there was to ask of a collection.
ALTER TABLE collections ADD COLUMN asked TEXT;
ALTER TABLE collections ADD COLUMN answered TEXT;
UPDATE collections SET (asked, answered) = (SELECT started, finished FROM polls WHERE catalogue = collections.catalogue
  AND finished IS NOT NULL AND problem IS NULL ORDER BY number DESC LIMIT 1);
"""

_MIGRATIONS = {
    "0001_first": _FIRST,
    "0002_grid": _GRID,
    "0003_measures": _MEASURES,
    "0004_acquisitions": _ACQUISITIONS,
    "0005_places": _PLACES,
    "0006_audits": _AUDITS,
    "0009_looks": _LOOKS,
}

LATEST = len(_MIGRATIONS)


def version(db: sqlite3.Connection) -> int:
    """Return how many migrations have been applied; 0 for an empty database."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the database up to date, after a backup of what it was. The caller holds the migration lock."""
    found = version(db)
    if found == LATEST:
        return
    if found > LATEST:
        raise StoreError(
            f"the database {path} was written by a newer watcher (schema {found}, this one knows {LATEST})",
            hint="install the newer eo-watcher again, or restore the backup it made beside the database",
        )
    if found:
        backup = path.with_name(f"{path.name}.before-{LATEST:04d}")
        if not backup.exists():
            db.execute("VACUUM INTO ?", (str(backup),))
            backup.chmod(0o600)
    else:
        # 2 kB rows on 4 kB pages waste half of the file, and cost twice the time.
        db.execute("PRAGMA page_size = 16384")
        db.execute("PRAGMA journal_mode = WAL")

    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    db.create_function("acquisition_of", 3, _acquisition, deterministic=True)
    migrations = Migrations("watcher")
    for number, (name, script) in enumerate(_MIGRATIONS.items(), start=1):

        def apply(database: Database, /, script: str = script, number: int = number) -> None:
            for statement in script.split(";\n"):
                if statement.strip():
                    database.conn.execute(statement)
            database.conn.execute(f"PRAGMA user_version = {number}")

        migrations(name=name)(apply)
    migrations.apply(Database(db, execute_plugins=False))


def _acquisition(identity: str, title: str, acquired: str | None) -> str | None:
    time = datetime.fromisoformat(acquired) if acquired else None
    return key(Product("", identity, title, None, time, ""))
