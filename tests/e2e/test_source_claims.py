"""Sources of one tenant, in the service as it runs."""

import json
from pathlib import Path

from tests.support.command import run_command
from tests.support.git import GitRepo
from tests.support.service import READ_KEY, Service, smallest, stage
from tests.support.world import BOT, document, path_of, spec


def test_sources_that_may_claim_each_others_chatbots_are_warned_of_at_the_start(tmp_path: Path) -> None:
    second = GitRepo(tmp_path / "second")
    second.commit({"chatbots/second.json": document(spec(prompt="mine"), BOT)})
    with stage(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as s:
        config = tmp_path / "reconciler.toml"
        config.write_text(f"""
            [[tenants]]
            name = "default"
            base_url = "{s.sandbox.url}"
            api_key = "{READ_KEY}"
            [[sources]]
            name = "main"
            url = "{s.remote}"
            insecure = true
            [[sources]]
            name = "second"
            url = "{second.url}"
            insecure = true
        """)
        environ = smallest(s.sandbox, s.remote, s.folder, RECONCILER_CONFIG=str(config))
        for name in [each for each in environ if each.startswith(("WIZCHAT_", "RECONCILER_GIT_"))]:
            del environ[name]
        with Service(environ) as service:
            for name in ("main", "second"):
                service.until(f"/sources/{name}", lambda source: source["good_revision"] is not None)
            assert service.get(f"/chatbots/{BOT}")["source"] == "main"
            run = service.post("/sources/second/refresh")
            run = service.until(f"/runs/{run['id']}", lambda run: run["finished_at"] is not None)
            [found] = run["diagnostics"]
            assert "the source main had it first" in found["message"]
            assert "rival" not in found
            [warned] = service.get("/status")["warnings"]
            listed = run_command("source", "list", environ=environ)
        told = [json.loads(line) for line in service.lines if line.startswith("{")]
    [warning] = [each for each in told if each.get("event") == "sources may claim each other's chatbots"]
    assert "tenant default has 2 sources" in warning["cause"]
    assert warned == warning["cause"]
    assert (warned in listed.stderr, "warning" in listed.stdout) == (True, False)
