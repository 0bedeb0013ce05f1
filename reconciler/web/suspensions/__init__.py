"""Suspending and resuming applies."""
