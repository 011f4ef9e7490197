"""Pictures of the real program: `python -m tests.screenshots` runs the demo and writes `screenshots/`."""
