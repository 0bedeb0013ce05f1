from tests.support.store_fixtures import clock, store, store_url

__all__ = ["clock", "store", "store_url"]
