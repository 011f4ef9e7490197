"""Floor 0: framing. Bytes in, events out; bounded, incremental, no I/O."""
