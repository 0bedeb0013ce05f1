"""The use cases. They speak through ports only, and nothing else writes a status."""
