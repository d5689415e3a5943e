"""How the data files of the package are made: each script says from what, and writes one file."""
