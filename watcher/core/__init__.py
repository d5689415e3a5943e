"""The functional core: values in, values out. No network, disk, database, clock or log."""
