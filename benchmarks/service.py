"""The service as a process of its own, driven over HTTP as a person would."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.processes import Process, announced, running
from benchmarks.stage import HEADERS, SOURCE, TOKEN, Stage

_LIMIT_S = 600.0
_PAUSE_S = 0.1
ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Service:
    """A service that has ended its startup run."""

    process: Process
    url: str
    http: httpx.Client

    def refresh(self) -> dict[str, Any]:
        """A full refresh, as a person asks for one."""
        asked = self.http.post(f"/api/v1/sources/{SOURCE}/refresh").raise_for_status().json()
        return self.ended(asked["id"])

    def startup(self) -> dict[str, Any]:
        """The run that this start began with."""
        newest = self.http.get("/api/v1/runs", params={"limit": 1}).raise_for_status().json()["items"][0]
        return self.ended(newest["id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """A run once it has ended well."""
        deadline = time.monotonic() + _LIMIT_S
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.http.get(f"/api/v1/runs/{run_id}").raise_for_status().json()
            if run["status"] in ENDED:
                assert run["status"] == "Succeeded", run
                assert run["counts"]["errors"] == 0, run
                return run
            time.sleep(_PAUSE_S)
        raise TimeoutError(f"{run_id} did not end within {_LIMIT_S:.0f} s")


@contextmanager
def service(on: Stage) -> Iterator[Service]:
    """`reconciler serve` on a stage, from the moment when it listens."""
    config = on.folder / "reconciler.toml"
    config.write_text(_toml(on), encoding="utf-8")
    with (
        running("reconciler", "serve", environ={"RECONCILER_CONFIG": str(config)}) as process,
        httpx.Client(base_url=(url := announced(process)), headers=HEADERS, timeout=30) as http,
    ):
        yield Service(process, url, http)


def _toml(on: Stage) -> str:
    """The stage's settings as the file that `reconciler serve` reads."""
    tenant, source = on.settings.tenants[0], on.settings.sources[0]
    return "\n".join(
        [
            "[server]\nport = 0",
            f"[data]\ndir = {_quoted(on.settings.data.dir)}",
            f"[auth]\nbootstrap_token = {_quoted(TOKEN)}",
            f"[[tenants]]\nname = {_quoted(tenant.name)}\nbase_url = {_quoted(on.api)}",
            f"api_key = {_quoted(tenant.api_key.get_secret_value())}\nconcurrency = {tenant.concurrency}",
            f"requests_per_minute = {tenant.requests_per_minute}",
            f"[[sources]]\nname = {_quoted(source.name)}\nurl = {_quoted(source.url.get_secret_value())}",
            f'tenant = {_quoted(source.tenant)}\ninterval = "24h"\ndrift_interval = "24h"\ninsecure = true',
        ]
    )


def _quoted(value: str | Path) -> str:
    return json.dumps(str(value))
