"""Floor 6: the person's view of it. The only floor that knows textual and rich."""
