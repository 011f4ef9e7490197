"""Tests of the whole under anything that may come: random clients, upstreams, faults and people."""
