"""The host's side of a board: its serial port, the link's frames, and programs run through it (docs/link.md, docs/bench.md)."""
