"""Sources, and the acceptance of revisions."""
