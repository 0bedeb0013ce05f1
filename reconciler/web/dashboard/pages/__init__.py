"""The pages: each reads through the use cases and queries of the API, and fills one dataclass for its template."""
