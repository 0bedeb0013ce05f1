"""The HTTP surface: the JSON API, webhooks, metrics, and a plain page. It reads, and asks the engine to act."""
