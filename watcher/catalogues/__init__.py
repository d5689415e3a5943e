"""One file for each protocol that a catalogue may speak."""
