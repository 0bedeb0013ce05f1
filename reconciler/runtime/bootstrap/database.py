"""Upgrades and compacts the database that the settings name."""

from reconciler.settings.model import Settings
from reconciler.storage import schema


def upgrade_database(settings: Settings) -> str:
    """Bring the database to the revision that this program needs, and return it.

    Raises:
        StoreError: It is in use, cannot be written, or is newer than this program.
    """
    return schema.upgrade(settings.database_url.get_secret_value())


def compact_database(settings: Settings) -> None:
    """Give what is free in the database back to the disk.

    Raises:
        StoreError: There is none, it is in use, cannot be written, or looks after that by itself.
    """
    schema.compact(settings.database_url.get_secret_value())


def database_revisions(settings: Settings) -> tuple[str | None, str]:
    """The revision that the database has, None when it is empty, and the one that this program needs.

    Raises:
        StoreError: It cannot be read.
    """
    return schema.current(settings.database_url.get_secret_value()), schema.head()
