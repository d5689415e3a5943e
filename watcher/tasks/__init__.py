"""Read, decide, write: each task pays one kind of debt and can be run alone, again, and after a crash."""
