"""What stands before a measurement: a fleet behind an API of its own process, and its documents in git."""

import copy
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from api_client.contract import LIST_SECTIONS, contract_view
from api_client.sandbox import Chatbot, Fleet
from api_client.sandbox.auth import DEFAULT_API_KEY
from api_client.sandbox.seed import default_fleet, save_fleet
from benchmarks.processes import announced, running
from benchmarks.stand_in import COUNTS, LIMIT
from reconciler.render.yaml_text import yaml_text
from reconciler.settings.model import Settings, SourceSettings
from reconciler.settings.sections import AuthSettings, DataSettings, ServerSettings, TenantSettings

SOURCE = "main"
TENANT = "default"
TOKEN = "a token for measurements on this machine only"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
WEBHOOK_SECRET = "a secret for measurements on this machine only"
CONNECTIONS = 32
DRIFTED_EACH = 20
"""Every twentieth chatbot differs from its document, so that a sweep also meets plans."""

_NEVER = timedelta(days=1)
_ITEMS = {"mcpServers": 3, "skills": 4, "domains": 2}
"""How many of each a chatbot has beside its core: documents of 4 to 8 kB."""
_UNLIMITED = 10_000_000
CLEAN_GIT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.com",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """An API that runs, and a repository that describes its fleet.

    Attributes:
        folder: Everything lies below it, and is removed at the end.
        api: The API's URL.
        documents: Chatbot id → its document as it lies in git.
        remote: Where the service finds the repository, when not on this disk.
        interval: Between two looks at git, and at WizChat.
    """

    folder: Path
    api: str
    documents: Mapping[str, dict[str, Any]]
    remote: str | None = None
    interval: timedelta = _NEVER

    @property
    def repository(self) -> Path:
        """The git repository."""
        return self.folder / "repository"

    @property
    def url(self) -> str:
        """Where git finds it on this disk."""
        return f"file://{self.repository}"

    @property
    def database(self) -> Path:
        """The service's database."""
        return self.settings.data.dir / "reconciler.db"

    def calls(self) -> Counter[str]:
        """What the API was asked since the last `reset_calls`, by kind; what it refused stands by itself."""
        return Counter(httpx.get(self.api + COUNTS, trust_env=False).raise_for_status().json())

    def reset_calls(self) -> None:
        """Count anew."""
        httpx.delete(self.api + COUNTS, trust_env=False).raise_for_status()

    def limit(self, **limit: float) -> None:
        """Have the API refuse what is beyond a limit; without any, it refuses nothing."""
        httpx.post(self.api + LIMIT, json=limit, trust_env=False).raise_for_status()

    @property
    def settings(self) -> Settings:
        """A service that works on this stage, and does nothing by itself after its first run."""
        return Settings(
            server=ServerSettings(port=0),
            data=DataSettings(dir=self.folder / "data"),
            tenants=(
                TenantSettings(
                    name=TENANT,
                    base_url=self.api,
                    api_key=DEFAULT_API_KEY,
                    concurrency=CONNECTIONS,
                    requests_per_minute=_UNLIMITED,
                ),
            ),
            sources=(
                SourceSettings(
                    name=SOURCE,
                    url=self.remote or self.url,
                    webhook_secret=WEBHOOK_SECRET,
                    tenant=TENANT,
                    interval=self.interval,
                    drift_interval=self.interval,
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
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "-m", "Change")


@contextmanager
def stage(chatbots: int, *, latency_ms: int = 0, drifted_each: int = DRIFTED_EACH) -> Iterator[Stage]:
    """A fleet of this size, live and in git.

    Args:
        chatbots: How many, each with a core, three MCP servers, four skills with bodies and two domains.
        latency_ms: How long each answer of the API takes longer.
        drifted_each: Every so-manieth chatbot differs from its document, so that a sweep also meets plans.
    """
    with TemporaryDirectory(prefix="reconciler-bench-") as name:
        folder = Path(name)
        fleet = fleet_of(chatbots)
        save_fleet(fleet, folder / "fleet.json")
        arguments = ("--seed", str(folder / "fleet.json"), "--latency-ms", str(latency_ms))
        with running("benchmarks.stand_in", *arguments) as process:
            built = Stage(folder, announced(process), {chatbot.id: document_of(chatbot) for chatbot in fleet})
            built.repository.mkdir()
            git(built.repository, "init", "--quiet", "--initial-branch=main")
            built.commit(
                {
                    key: edited(document, "Be brief.") if at % drifted_each == 0 else document
                    for at, (key, document) in enumerate(built.documents.items())
                }
            )
            yield built


def fleet_of(chatbots: int) -> Fleet:
    """The sandbox's own chatbots again and again, under other ids and names, with what they lack of others."""
    models = tuple(default_fleet())
    pools = {section: [item for model in models for item in model.config[section]] for section in _ITEMS}
    return Fleet(_copy(models[at % len(models)], pools, at) for at in range(chatbots))


def _copy(model: Chatbot, pools: Mapping[str, Sequence[Any]], at: int) -> Chatbot:
    config = copy.deepcopy(model.config)
    config["core"]["name"] = f"{config['core']['name']} {at}"
    for section, count in _ITEMS.items():
        config[section] = [
            _renamed(pools[section][(at + number) % len(pools[section])], number) for number in range(count)
        ]
    return Chatbot(id=f"bot_{at:05}", config=config)


def _renamed(item: Mapping[str, Any], number: int) -> dict[str, Any]:
    """An item that no other of the chatbot clashes with, and that names no other item."""
    renamed = {key: copy.deepcopy(value) for key, value in item.items() if key != "linkedServerIds"}
    for key in ("id", "name", "toolNamePrefix", "domain"):
        if key in renamed:
            renamed[key] = f"n{number}.{renamed[key]}" if key == "domain" else f"{renamed[key]}{number}"
    return renamed


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


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in a folder, without anybody's own settings, and give what it prints."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, env=CLEAN_GIT, input=stdin, check=True, capture_output=True, timeout=300)
    return done.stdout
