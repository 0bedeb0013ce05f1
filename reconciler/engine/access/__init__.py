"""Tokens, people and sessions."""
