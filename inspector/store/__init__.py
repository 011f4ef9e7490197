"""Floor 2: what is known so far. One writer (the relay), many pullers."""
