"""What stands before the routes: pure ASGI, so that a poll that finds nothing new costs next to nothing."""
