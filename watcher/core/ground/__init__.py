"""Where a product lies, and which sites it touches."""
