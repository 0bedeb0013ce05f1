from tests.support.store_fixtures import clock, database_kind, empty_url, postgres, postgres_template, store, store_url

__all__ = ["clock", "database_kind", "empty_url", "postgres", "postgres_template", "store", "store_url"]
