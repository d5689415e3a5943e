"""Ways to name a place, offline: each turns words into a geometry."""
