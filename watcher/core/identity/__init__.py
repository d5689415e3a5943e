"""Which acquisition a product is of, and which processing of it."""
