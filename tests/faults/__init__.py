"""The fault harness: breaks the service at every step that it takes, and asks a judge that never saw its tables."""
