"""The repositories of `ports.UnitOfWork`, each over one transaction."""
