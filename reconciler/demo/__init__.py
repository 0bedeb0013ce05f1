"""Everything on one machine, to see the reconciler at work: a sandbox, a git remote, the service."""
