"""Tokens and people."""
