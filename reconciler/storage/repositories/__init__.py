"""The repositories of a `UnitOfWork`, each over one transaction."""
