"""Who sends a request, and which role a route needs."""
