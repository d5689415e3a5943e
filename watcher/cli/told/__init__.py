"""Who is told: on which terms, what became of what they are owed, and why they heard, or did not."""
