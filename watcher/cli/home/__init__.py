"""What comes home: it is fetched, let in, looked after, and leaves."""
