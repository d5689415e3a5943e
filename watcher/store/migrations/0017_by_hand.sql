-- That somebody asked for it by name: it stays wanted, whatever is no longer watched.
ALTER TABLE downloads ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1));
