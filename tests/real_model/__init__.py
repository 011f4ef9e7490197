"""A real inference server, behind the proxy and without it. See `conftest` for what these tests need."""
