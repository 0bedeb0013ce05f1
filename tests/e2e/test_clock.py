"""The service as a process whose wall clock is set while it runs: it goes on ticking, and says what happened."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api_client.sandbox import SandboxServer
from tests.support.command import ForkServer
from tests.support.loopback import LOOPBACK
from tests.support.service import READ_KEY, TOKEN, WRITE_KEY, Service, smallest, stage
from tests.support.waiting import PATIENCE
from tests.support.wall_clock import WallClock, a_wall_clock
from tests.support.world import BOT, document, path_of, spec

HOUR, DAY = 3600, 86_400
DECADES = 40 * 365 * DAY


def configuration(folder: Path, remote: str, sandbox: SandboxServer) -> dict[str, str]:
    (folder / "settings.toml").write_text(
        f"""
        [[tenants]]
        name = "default"
        base_url = "{sandbox.url}"
        api_key = "{READ_KEY}"
        write_api_key = "{WRITE_KEY}"
        [[sources]]
        name = "default"
        url = "{remote}"
        insecure = true
        interval = "2s"
        drift_interval = "2s"
        """
    )
    kept = {name: value for name, value in smallest(sandbox, remote, folder).items() if name.startswith("RECONCILER_")}
    kept = {name: value for name, value in kept.items() if "_GIT_" not in name}
    return {**kept, "RECONCILER_CONFIG": str(folder / "settings.toml")}


def scheduled(service: Service) -> set[str]:
    """The ids of the runs that the clock started and that have ended; sorted by time they would jump, too."""
    items = service.get("/runs?limit=200")["items"]
    return {run["id"] for run in items if run["trigger"] == "schedule" and run["finished_at"]}


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WallClock:
    return a_wall_clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def starter(clock: WallClock) -> Iterator[ForkServer]:
    """Starts services by that clock."""
    server = ForkServer(clock.environ)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("first", "then"),
    [(2 * DAY, 0), (0, -HOUR), (-DECADES, 0)],
    ids=["two days ahead, then right", "set back by an hour", "1986, then right"],
)
def test_scheduled_runs_go_on_when_the_clock_is_set(
    tmp_path: Path, clock: WallClock, starter: ForkServer, first: int, then: int
) -> None:
    clock.set(first)
    with stage(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as s:
        environ = configuration(tmp_path, s.remote, s.sandbox)
        with Service(environ, starter=starter) as service:
            service.first_run()
            service.until("/runs?limit=200", lambda _: bool(scheduled(service)))
            clock.set(then)
            before = scheduled(service)
            service.until("/runs?limit=200", lambda _: len(scheduled(service) - before) >= 2)
            assert httpx.get(f"{service.url}/readyz", timeout=PATIENCE, **LOOPBACK).status_code == 200
            metrics = httpx.get(f"{service.url}/metrics", timeout=PATIENCE, **LOOPBACK).text
            assert service.api.get("/me", headers={"Authorization": f"Bearer {TOKEN}"}).is_success
    assert "reconciler_clock_jumps_total 1.0" in metrics
    assert any("the wall clock jumped" in line for line in service.lines)
