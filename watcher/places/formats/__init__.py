"""Formats of geometry files, one file each: `features(content, …)` yields what stands in it."""
