"""A plain page to see with: no script, no inline style, nothing from elsewhere."""
