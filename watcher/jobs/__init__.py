"""What the service does at each turn of its clock: one pass of a task, and a log line for what came of it."""

from watcher.jobs.health import look, rehearse
from watcher.jobs.home import fetch, run_hooks, tell_of_file_systems, tidy
from watcher.jobs.notices import pay
from watcher.jobs.polling import poll
from watcher.jobs.turns import Next, log, say

__all__ = [
    "Next",
    "fetch",
    "log",
    "look",
    "pay",
    "poll",
    "rehearse",
    "run_hooks",
    "say",
    "tell_of_file_systems",
    "tidy",
]
