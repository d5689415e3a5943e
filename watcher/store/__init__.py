"""What watcher remembers, in one SQLite file: one module for each noun, SQL written out."""
