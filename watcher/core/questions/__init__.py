"""What to ask a catalogue, and what is learnt from how it answers."""
