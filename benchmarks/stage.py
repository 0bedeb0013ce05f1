"""What stands before a measurement: a fleet in a sandbox of its own process, and the same fleet as documents in git."""

import copy
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api_client.contract import LIST_SECTIONS, contract_view
from api_client.sandbox import Chatbot, Fleet
from api_client.sandbox.auth import DEFAULT_API_KEY
from api_client.sandbox.seed import default_fleet, save_fleet
from benchmarks.processes import announced, running
from reconciler.render.yaml_text import yaml_text
from reconciler.settings.model import Settings, SourceSettings
from reconciler.settings.sections import AuthSettings, DataSettings, ServerSettings, TenantSettings

SOURCE = "main"
TENANT = "default"
TOKEN = "a token for measurements on this machine only"
CONNECTIONS = 16
DRIFTED_EACH = 20
"""Every twentieth chatbot differs from its document, so that a sweep also meets plans."""

_NEVER = timedelta(days=1)
_UNLIMITED = 10_000_000
_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.com",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A sandbox that runs, and a repository that describes its fleet.

    Attributes:
        folder: Everything lies below it, and is removed at the end.
        sandbox: The sandbox's URL.
        documents: Chatbot id → its document as it lies in git.
    """

    folder: Path
    sandbox: str
    documents: Mapping[str, dict[str, Any]]

    @property
    def repository(self) -> Path:
        """The git repository."""
        return self.folder / "repository"

    @property
    def settings(self) -> Settings:
        """A service that works on this stage, and does nothing by itself after its first run."""
        return Settings(
            server=ServerSettings(port=0),
            data=DataSettings(dir=self.folder / "data"),
            tenants=(
                TenantSettings(
                    name=TENANT,
                    base_url=self.sandbox,
                    api_key=DEFAULT_API_KEY,
                    concurrency=CONNECTIONS,
                    requests_per_minute=_UNLIMITED,
                ),
            ),
            sources=(
                SourceSettings(
                    name=SOURCE,
                    url=f"file://{self.repository}",
                    tenant=TENANT,
                    interval=_NEVER,
                    drift_interval=_NEVER,
                    insecure=True,
                ),
            ),
            auth=AuthSettings(bootstrap_token=TOKEN),
        )

    def commit(self, documents: Mapping[str, dict[str, Any]]) -> None:
        """Write documents and commit them."""
        for chatbot_id, document in documents.items():
            path = self.repository / "chatbots" / f"{chatbot_id}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml_text(document), encoding="utf-8")
        _git(self.repository, "add", "--all")
        _git(self.repository, "commit", "--quiet", "-m", "Change")


@contextmanager
def stage(chatbots: int, *, latency_ms: int = 0) -> Iterator[Stage]:
    """A fleet of this size, live and in git.

    Args:
        chatbots: How many; their texts are as long as those of the sandbox's own fleet.
        latency_ms: How long each answer of the sandbox takes longer.
    """
    with TemporaryDirectory(prefix="reconciler-bench-") as name:
        folder = Path(name)
        fleet = fleet_of(chatbots)
        save_fleet(fleet, folder / "fleet.json")
        arguments = ("--port", "0", "--seed", str(folder / "fleet.json"), "--latency-ms", str(latency_ms))
        with running("api_client.sandbox", *arguments) as sandbox:
            url = announced(sandbox).rpartition(" ")[2]
            built = Stage(folder, url, {chatbot.id: document_of(chatbot) for chatbot in fleet})
            built.repository.mkdir()
            _git(built.repository, "init", "--quiet", "--initial-branch=main")
            built.commit({key: _drifted(at, document) for at, (key, document) in enumerate(built.documents.items())})
            yield built


def fleet_of(chatbots: int) -> Fleet:
    """The sandbox's own fleet again and again, under other ids and names."""
    models = tuple(default_fleet())
    return Fleet(_copy(models[at % len(models)], at) for at in range(chatbots))


def _copy(model: Chatbot, at: int) -> Chatbot:
    config = copy.deepcopy(model.config)
    config["core"]["name"] = f"{config['core']['name']} {at}"
    return Chatbot(id=f"bot_{at:05}", config=config)


def document_of(chatbot: Chatbot) -> dict[str, Any]:
    """The document that says what a chatbot is."""
    spec = {
        section: [contract_view(section, item) for item in value]
        if section in LIST_SECTIONS
        else contract_view(section, value)
        for section, value in chatbot.config.items()
        if value
    }
    return {"apiVersion": "v1", "kind": "ChatbotConfig", "metadata": {"chatbotId": chatbot.id}, "spec": spec}


def body_of(document: Mapping[str, Any]) -> bytes:
    """What is sent of a document."""
    return json.dumps({key: value for key, value in document.items() if key != "metadata"}).encode()


def edited(document: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """A document that says something else."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    changed["spec"]["core"]["behavior"]["systemPrompt"] += f"\n{mark}\n"
    return changed


def _drifted(at: int, document: dict[str, Any]) -> dict[str, Any]:
    return edited(document, "Be brief.") if at % DRIFTED_EACH == 0 else document


def _git(repository: Path, *arguments: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *arguments], cwd=repository, env={**clean, **_GIT}, check=True, timeout=120)
