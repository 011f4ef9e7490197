"""Floor 6: a small model server with real token probabilities, and a scripted agent. No key, no network."""
