"""A program that is run as a directory: see `__main__`."""
