"""What the command line says of a source is what the service says of it."""

from pathlib import Path

from tests.support.command import run_command
from tests.support.service import stage
from tests.support.world import BOT, document, path_of, spec


def test_the_list_of_sources_tells_a_suspension_and_a_cause_as_the_service_does(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as s, s.service() as service:

        def listed() -> str:
            (line,) = run_command("source", "list", environ=service.environ).stdout.splitlines()
            return line.rsplit("  ", 1)[1]

        service.first_run()
        assert listed() == service.get("/sources/default")["state"] == "Ready"
        service.post("/suspend", scope="all", reason="freeze")
        assert listed() == service.get("/sources/default")["state"] == "Suspended"
        s.repository.force_push({"README.md": "nothing is here any more"})
        service.post("/sources/default/refresh")
        source = service.until("/sources/default", lambda source: source["state"] == "Unknown")
        assert listed() == f"Unknown ({source['cause']})"
        assert source["suspension"]["scope"] == "all"
