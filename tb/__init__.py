"""Testbenches: stream drivers for block tests, and benches that run whole networks on the core."""
