"""Floor 4: the only floor that owns sockets. Knows hooks, not rules."""
