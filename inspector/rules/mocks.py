"""Rules that answer in the upstream's place, or break an answer: mocks and faults."""


class Mocks:
    """All mock and fault rules."""
