"""Real servers for the tests, started on this machine by whoever needs one first; `install` puts them here."""
