"""How fast watcher is, as ratios to something that anybody can run beside it on the same machine."""
