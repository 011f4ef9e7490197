"""Floor 3: flows out, and in again."""
