"""Floor 5: policy. What is stopped, changed, mocked or broken on its way; it implements the hooks of the proxy."""
