"""The apply: the request, the preflight, the executor, its outcome, and the recovery after a crash."""
