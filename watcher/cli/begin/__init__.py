"""To begin: a configuration, accounts, the catalogues that there are, and whether all is well."""
