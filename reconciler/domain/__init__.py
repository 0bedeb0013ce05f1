"""Values and rules. Nothing here does I/O, reads a clock, logs, or knows a framework."""
