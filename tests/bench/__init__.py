"""What standing on the wire costs: `python -m tests.bench`. Ratios count: absolute times differ with the machine."""
