"""Runs of sources."""
