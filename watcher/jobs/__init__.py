"""What the service does at each turn of its clock: one pass of a task, and a log line for what came of it."""

from watcher.jobs.health import look, rehearse
from watcher.jobs.home import fetch, run_hooks, tidy
from watcher.jobs.itself import tell_of_file_systems, tell_of_idleness, tell_of_standstill
from watcher.jobs.notices import pay
from watcher.jobs.polling import poll
from watcher.jobs.timetable import SELF_TEST, do, due, rhythms
from watcher.jobs.turns import Next, log, say

__all__ = [
    "SELF_TEST",
    "Next",
    "do",
    "due",
    "fetch",
    "log",
    "look",
    "pay",
    "poll",
    "rehearse",
    "rhythms",
    "run_hooks",
    "say",
    "tell_of_file_systems",
    "tell_of_idleness",
    "tell_of_standstill",
    "tidy",
]
