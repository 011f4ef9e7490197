"""Floor 0: the nouns. Standard library only; no I/O, no clock."""
