"""Plans, decisions about them, and applies."""
