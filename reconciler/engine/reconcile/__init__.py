"""A run of a source, step by step: fetch, promote, inventory, compare, auto-apply; and when runs are due."""
