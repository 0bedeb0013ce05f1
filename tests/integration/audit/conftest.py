from tests.support.store_fixtures import clock, postgres, store, store_url

__all__ = ["clock", "postgres", "store", "store_url"]
