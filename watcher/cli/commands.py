"""The commands, by what a person wants to do. Those of a heading are a package."""

from __future__ import annotations

# heading: name: (module, what `watcher --help` says of it)
SECTIONS = {
    "To begin": {
        "init": ("begin.setup", "Write a configuration to start from."),
        "check": ("begin.check", "Say what is wrong, and how to mend it."),
        "login": ("begin.login", "Try the account of a catalogue, or say what to write for one."),
        "catalogues": ("begin.catalogues", "List the catalogues that can be asked, or ask what one has and can do."),
        "demo": ("begin.demo", "See it all work, on a catalogue that runs here."),
        "completion": ("begin.setup", "Print the completion script of a shell."),
    },
    "What is watched": {
        "where": ("watched.where", "Explain how a text is understood as a place."),
        "add-site": ("watched.add_site", "Watch a place."),
        "sites": ("watched.sites", "List the watched places."),
        "tag-site": ("watched.sites", "Group a place with others by words."),
        "pause-site": ("watched.sites", "Stop looking at a place for a while."),
        "resume-site": ("watched.sites", "Look at a paused place again."),
        "remove-site": ("watched.remove_site", "Watch a place no more, or no longer for one level."),
        "find": ("watched.find", 'Search by a sentence, as "Toulouse LANDSAT8 2014".'),
    },
    "Who is told": {
        "subscribe": ("told.subscribe", "Tell someone of arrivals, by e-mail or chat."),
        "subscriptions": ("told.subscriptions", "List who is told of what, export or import it."),
        "edit-subscription": ("told.subscribe", "Change what someone is told of, and when."),
        "mute": ("told.subscriptions", "Tell someone nothing for a while."),
        "unmute": ("told.subscriptions", "Tell someone who was muted again."),
        "unsubscribe": ("told.subscriptions", "Tell someone no more."),
        "test-notify": ("told.test_notify", "Send a sample notice and say how it went."),
        "deliveries": ("told.deliveries", "List what was sent and what is owed, each in its state."),
        "retry": ("told.deliveries", "Try again at once what failed or was given up."),
        "why": ("told.why", "Tell why somebody heard of a product, or did not."),
        "why-not": ("told.why_not", "Say why nothing was heard of a place on a day."),
    },
    "At work": {
        "run": ("work.service", "The service: poll, notify, download, on a clock."),
        "poll": ("work.poll", "Ask the catalogues once."),
        "notify": ("work.notify", "Send the notices that are due, once."),
        "plan": ("work.plan", "Show what the next poll asks, why so, and what a day costs."),
    },
    "What comes home": {
        "download": ("home.download", "Fetch the products that are due, once, or those named."),
        "approve": ("home.approve", "Let a flood of downloads come, or refuse it."),
        "verify": ("home.verify", "Look whether what came home is still there, and still the same."),
        "tidy": ("home.tidy", "List, or remove, what is to leave the archive by its limits."),
        "pin": ("home.tidy", "Keep products in the archive, whatever its limits."),
        "unpin": ("home.tidy", "Let pinned products leave with the others."),
        "hooks": ("home.hooks", "List what your commands did with the products that came home."),
        "cart": ("home.carts", "Write the files of what was seen as a list for another program."),
        "import": ("home.carts", "Fetch the files that a cart (.meta4) names."),
    },
    "How things stand": {
        "status": ("standing.status", "Say what is watched, what came, what is owed, what is wrong."),
        "products": ("standing.show", "List what was seen."),
        "progress": ("standing.progress", "Say how many L1C have their L2A, after how long, what is awaited."),
        "upcoming": ("standing.upcoming", "List the acquisitions to come, and what is overdue."),
        "audit": ("standing.audit", "Say whether anything was missed."),
        "race": ("standing.race", "Say which catalogue had an acquisition first."),
        "feeds": ("standing.feeds", "Write what arrived as Atom, JSON Feed, ICS, GeoJSON and STAC files."),
    },
}
COMMANDS = {name: command for section in SECTIONS.values() for name, command in section.items()}


PYTHON = {"import"}
"""Commands whose name is a word of the language."""
