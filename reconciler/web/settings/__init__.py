"""The settings as the service has them."""
