"""How things stand: what came, what is awaited, and whether anything was missed."""
