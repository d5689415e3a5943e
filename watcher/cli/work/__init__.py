"""At work: the service, one pass of a task, and what the next one asks."""
