"""The use cases. They do I/O through ports only, and are the only writers of statuses."""
