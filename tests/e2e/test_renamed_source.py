"""From the two variables to a settings file, as the quickstart says it: nothing that was decided is lost."""

from pathlib import Path

from tests.docs.pages import page
from tests.support.service import READ_KEY, WRITE_KEY, Service, smallest, stage
from tests.support.world import BOT, document, path_of, spec

PAGE_URL = "https://git.example.com/acme/bots.git"


def settings_file(folder: Path, remote: str, base_url: str) -> Path:
    """The file of the quickstart, with addresses that exist."""
    text = next(part for part in page("quickstart.md").split("```toml\n")[1:] if PAGE_URL in part).partition("```")[0]
    keys = {"read": READ_KEY, "write": WRITE_KEY}
    for name, key in keys.items():
        (folder / name).write_text(key, encoding="utf-8")
    said = {
        'api_key_file = "/run/secrets/wizchat-read"': f'api_key_file = "{folder / "read"}"\n'
        f'write_api_key_file = "{folder / "write"}"\nbase_url = "{base_url}"',
        f'url = "{PAGE_URL}"': f'url = "{remote}"\ninsecure = true',
    }
    for was, now in said.items():
        assert was in text
        text = text.replace(was, now)
    config = folder / "reconciler.toml"
    config.write_text(text, encoding="utf-8")
    return config


def test_the_way_from_variables_to_a_file_keeps_plans_and_approvals(tmp_path: Path) -> None:
    live = {BOT: spec(), "bot_2": spec("Second")}
    files = {path_of(): document(spec()), path_of("bot_2"): document(spec("Second"), "bot_2")}
    with stage(tmp_path, live, files) as s:
        with s.service() as service:
            service.first_run()
            s.repository.commit({path_of(): document(spec(prompt="Be brief."))})
            service.refresh()
            plan = service.open_plan(BOT)
            assert plan["direction"] == "GitAhead"
            service.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"])
        config = settings_file(tmp_path, s.remote, s.sandbox.url)
        environ = smallest(s.sandbox, s.remote, s.folder, RECONCILER_CONFIG=str(config))
        for name in [each for each in environ if each.startswith(("WIZCHAT_", "RECONCILER_GIT_"))]:
            del environ[name]
        with Service(environ) as service:
            started = service.get("/runs")["items"][0]
            service.until(f"/runs/{started['id']}", lambda run: run["finished_at"] is not None)
            assert [source["name"] for source in service.get("/sources")["items"]] == ["support-bots"]
            kept = service.get(f"/plans/{plan['id']}")
            assert (kept["status"], kept["source"], kept["direction"]) == ("Approved", "support-bots", "GitAhead")
            chatbots = service.get("/chatbots")["items"]
            assert [(each["id"], each["source"]) for each in chatbots] == [
                (BOT, "support-bots"),
                ("bot_2", "support-bots"),
            ]
            assert service.get("/chatbots/bot_2")["reason"] == "InSync"
            assert service.approve_and_apply(kept)["status"] == "Applied"
