"""What stands around the service: a sandbox, a repository and a template of its data folder, made once per lane."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from api_client.sandbox import ALL_SCOPES, ApiKey, Fleet, SandboxServer
from api_client.sandbox import Chatbot as LiveBot
from tests.faults import bots
from tests.faults.database import Database
from tests.faults.http import plain_http
from tests.faults.order import LEASE_SECONDS, Order, Trap
from tests.faults.process import READY_LIMIT, ForkServer, Process
from tests.faults.proxy import Proxy
from tests.support.git import GitRepo

SOURCE: Final = "bots"
TENANT: Final = "acme"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Every kind of secret that the service is given; those that are None are not.

    Attributes:
        bootstrap: The admin token of the settings.
        read_key: WizChat's key for reading.
        write_key: WizChat's key for applies.
        git: The password of the git remote, where it asks for one.
        webhook: The source's webhook secret.
        client: The secret of the OpenID Connect client.
        link: What signs links to plans.
    """

    bootstrap: str = "wzr_fault-harness-admin-token-of-forty-characters"
    read_key: str = "wpk_live_fault_harness_read"
    write_key: str = "wpk_live_fault_harness_write"
    git: str | None = None
    webhook: str | None = None
    client: str | None = None
    link: str | None = None


GIT_USER: Final = "robot"


@dataclass(slots=True)
class Stage:
    """Made by `open_stage`. One trial uses it at a time.

    Attributes:
        folder: Where everything lies.
        count: How many chatbots there are.
        forks: Starts services.
        sandbox: The WizChat that is written to.
        repository: The source, as it is at first; version 1 of every document.
        remote: How the service reaches it.
        api_url: How the service reaches WizChat, where not directly.
        proxy: What stands before WizChat, if anything.
        policy: The policy that is set, where another than by default.
        database: Where the services keep their rows, when not in their data folders.
        live: What is live at first, by a chatbot's number.
    """

    folder: Path
    count: int
    forks: ForkServer
    sandbox: SandboxServer
    fleet: Fleet
    repository: GitRepo
    remote: str
    base: str
    secrets: Secrets = Secrets()
    api_url: str | None = None
    proxy: Proxy | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    database: Database | None = None
    live: Callable[[int], dict[str, Any]] = bots.live_spec
    template: Path | None = None
    since: int = 0
    starts: int = 0
    _versions: dict[int, str] = field(default_factory=dict)

    def settings(self, data: Path) -> dict[str, Any]:
        """What the service is given."""
        tenant = {
            "name": TENANT,
            "base_url": self.api_url or self.sandbox.url,
            "api_key": self.secrets.read_key,
            "write_api_key": self.secrets.write_key,
            "requests_per_minute": 60_000,
        }
        source = {
            "name": SOURCE,
            "url": self.remote,
            "tenant": TENANT,
            "branch": "main",
            "insecure": True,
            "interval": "5m",
            "drift_interval": "5m",
        }
        if self.secrets.webhook is not None:
            source |= {"forge": "github", "webhook_secret": [self.secrets.webhook]}
        given: dict[str, Any] = {
            "server": {"port": 0},
            "data": {"dir": str(data)},
            "tenants": [tenant],
            "sources": [source],
            "policy": dict(self.policy),
            "auth": {"bootstrap_token": self.secrets.bootstrap, "failures_per_minute": 1000},
        }
        if self.secrets.link is not None:
            given["auth"] |= {"link_key": self.secrets.link}
        if self.database is not None:
            given["database"] = {"url": self.database.url_for(data.name)}
        if self.secrets.client is not None:
            issuer = "http://127.0.0.1:9"  # nobody is there
            given["oidc"] = {"issuer": issuer, "client_id": "reconciler", "client_secret": self.secrets.client}
        return given

    def environ(self) -> dict[str, str]:
        """What the process finds in its environment, as in the smallest installation; it is read from the order."""
        found = {
            "WIZCHAT_API_KEY": self.secrets.read_key,
            "WIZCHAT_WRITE_API_KEY": self.secrets.write_key,
            "RECONCILER_AUTH__BOOTSTRAP_TOKEN": self.secrets.bootstrap,
            "RECONCILER_OIDC__CLIENT_SECRET": self.secrets.client,
            "RECONCILER_GIT_URL": self.remote,
        }
        return {name: value for name, value in found.items() if value is not None}

    def reset(self, data: Path, *, cold: bool = False) -> None:
        """Make everything as it was at first: the fleet, the branch, no faults, and the service's data."""
        control = self.sandbox.control
        control.let_writes_go()
        control.clear_faults()
        for number in range(self.count):
            self.fleet.remove(bots.bot_id(number))
        for number in range(self.count):
            self.fleet.add(LiveBot(id=bots.bot_id(number), config=self.live(number)))
        self.point(self.base)
        if self.database is not None:
            self.database.renew()
        self.lay_out(data, cold=cold)
        self.since = max((call["seq"] for call in control.journal(self.since)["requests"]), default=self.since)

    def lay_out(self, data: Path, *, cold: bool = False) -> None:
        """Make a data folder as it was at first."""
        if data.exists():
            shutil.rmtree(data)
        if cold or self.template is None:
            data.mkdir(parents=True)
        else:
            shutil.copytree(self.template, data, copy_function=shutil.copyfile)

    def make_template(self) -> None:
        """Let a service see everything once, and keep its data folder for the trials to begin with."""
        data = self.folder / "template"
        self.reset(data, cold=True)
        process = self.start(data)
        url = process.wait_ready()
        with plain_http(self.secrets.bootstrap, READY_LIMIT) as http:
            deadline = time.monotonic() + READY_LIMIT
            while True:
                items = http.get(f"{url}/api/v1/runs").json()["items"]
                if items and items[-1]["finished_at"]:
                    break
                assert time.monotonic() < deadline, items
                time.sleep(0.02)
        process.signal(signal.SIGTERM)
        assert process.wait_end(READY_LIMIT), "the template's service did not stop"
        self.template = data
        if self.database is not None:
            self.database.keep()

    def start(
        self, data: Path, trap: Trap | None = None, *, record: Path | None = None, file_limit: int | None = None
    ) -> Process:
        """Start the service; where several share a database, leases run out soon."""
        self.starts += 1
        order = Order(
            settings=self.settings(data),
            output=str(data.with_name(f"{data.name}.out")),
            environ=self.environ(),
            trap=trap,
            record=str(record) if record else None,
            file_limit=file_limit,
            lease_seconds=LEASE_SECONDS if self.database is not None else None,
        )
        return self.forks.start(order)

    def point(self, revision: str) -> None:
        """Push: the branch names that commit from now on."""
        ref = self.repository.folder / ".git" / "refs" / "heads" / "main"
        draft = ref.with_name("main.new")
        draft.write_text(f"{revision}\n")
        draft.replace(ref)

    def version(self, version: int) -> str:
        """The commit in which every document says this version."""
        if version not in self._versions:
            self.point(self.base)
            self.repository.git("reset", "--quiet", "--hard", self.base)
            self._versions[version] = self.repository.commit(bots.files(self.count, version))
            self.point(self.base)
        return self._versions[version]

    def version_of(self, revision: str) -> int:
        """Which version the documents of a commit say."""
        return next((version for version, commit in self._versions.items() if commit == revision), 1)

    def has_landed(self) -> bool:
        """Whether every write that reached the sandbox has taken effect or never will: only then can be judged."""
        held = self.sandbox.control.state()["held_writes"]
        return held == 0 and not any(write["status"] is None and write["fault"] is None for write in self.writes())

    def config(self, bot: str) -> dict[str, Any]:
        """What is live now."""
        chatbot = self.fleet.get(bot)
        return dict(chatbot.config) if chatbot else {}

    def writes(self) -> list[dict[str, Any]]:
        """The real applies that reached the sandbox in this trial."""
        found: list[dict[str, Any]] = self.sandbox.control.journal(self.since)["writes"]
        return found


@contextmanager
def open_stage(
    folder: Path, count: int, forks: ForkServer | None = None, secrets: Secrets | None = None
) -> Iterator[Stage]:
    """A stage with so many chatbots."""
    folder.mkdir(parents=True, exist_ok=True)
    repository = GitRepo(folder / "repository")
    base = repository.commit(bots.files(count))
    repository.git("repack", "-q", "-a", "-d")
    fleet = Fleet()
    reads = frozenset(scope for scope in ALL_SCOPES if scope.endswith(":read"))
    secrets = secrets or Secrets()
    keys = (ApiKey("read", secrets.read_key, scopes=reads), ApiKey("write", secrets.write_key))
    with ExitStack() as opened:
        sandbox = opened.enter_context(SandboxServer(fleet=fleet, keys=keys))
        forks = forks or opened.enter_context(ForkServer())
        yield Stage(folder, count, forks, sandbox, fleet, repository, repository.url, base, secrets)
