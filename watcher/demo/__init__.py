"""A small catalogue of June 2015 on loopback, and a script that uses watcher on it as a person would."""
