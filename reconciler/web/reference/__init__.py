"""OpenAPI, and the same as a page."""
