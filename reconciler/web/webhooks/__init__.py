"""Webhooks of forges."""
