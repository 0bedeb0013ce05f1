from pathlib import Path

import pytest

from tests.faults import campaign
from tests.faults.lane import Points


@pytest.fixture(scope="session")
def points(tmp_path_factory: pytest.TempPathFactory) -> Points:
    """Every step of the service's courses, recorded once."""
    folder: Path = tmp_path_factory.mktemp("record")
    return campaign.record(folder)
