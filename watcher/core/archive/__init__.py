"""What comes home of a product, how, where it lies, and what leaves again."""
