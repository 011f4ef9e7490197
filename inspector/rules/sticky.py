"""Edits that stay: agents send their unedited history again each turn, and the edit is made again each time."""


class StickyEdits:
    """All sticky edits."""
