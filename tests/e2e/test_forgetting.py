"""What left the settings is listed and forgotten beside the running service, by command and by call."""

from pathlib import Path

from tests.support.command import run_command
from tests.support.git import GitRepo
from tests.support.service import smallest, stage
from tests.support.world import BOT, document, path_of, spec


def test_a_source_that_is_gone_for_good_is_forgotten_beside_the_service(tmp_path: Path) -> None:
    other = GitRepo(tmp_path / "other")
    other.commit({path_of("bot_2"): document(spec("Second"), "bot_2")})
    with stage(tmp_path, {BOT: spec(), "bot_2": spec("Second")}, {path_of(): document(spec())}) as s:
        before = smallest(s.sandbox, s.remote, s.folder)
        with s.service() as service:
            service.first_run()
            refused = run_command("source", "forget", "default", "--reason", "x", environ=before, check=False)
            assert (refused.returncode, "the source default is configured" in refused.stderr) == (1, True)
            by_call = service.api.post("/sources/default/forget", json={"reason": "x"})
            assert (by_call.status_code, by_call.json()["code"]) == (409, "still_configured")
        settings = f'[{{"name": "moved", "url": "{other.url}", "insecure": true}}]'
        after = {name: value for name, value in before.items() if not name.startswith("RECONCILER_GIT_")}
        key, url = after.pop("WIZCHAT_API_KEY"), after.pop("WIZCHAT_BASE_URL")
        after.pop("WIZCHAT_WRITE_API_KEY")
        after["RECONCILER_TENANTS"] = f'[{{"name": "default", "api_key": "{key}", "base_url": "{url}"}}]'
        after["RECONCILER_SOURCES"] = settings
        with type(service)(after) as service:
            service.until("/sources/moved", lambda source: source["good_revision"] is not None)
            assert service.get(f"/chatbots/{BOT}")["reason"] == "SourceUnknown"
            listed = run_command("source", "list", environ=after).stdout.splitlines()
            assert [line.split()[0] for line in listed] == ["default", "moved"]
            assert listed[0].endswith("no longer configured")
            done = run_command("source", "forget", "default", "--reason", "archived", environ=after)
            assert done.stdout == "source/default is forgotten, with 1 chatbot\n"
            assert [source["name"] for source in service.get("/sources")["items"]] == ["moved"]
            service.post("/sources/moved/refresh")
            service.until(f"/chatbots/{BOT}", lambda chatbot: chatbot["reason"] == "Unmanaged")
            [row] = service.get("/audit?action=source.forget")["items"][:1]
            assert (row["action"], row["subject"]) == ("source.forget", "source/default")
            assert row["detail"]["reason"] == "archived"


def test_a_chatbot_that_never_existed_is_forgotten_by_call_and_by_command(tmp_path: Path) -> None:
    typos = {path_of(key): document(spec(), key) for key in ("typo_1", "typo_2")}
    more = {path_of(key): document(spec(), key) for key in (BOT, "bot_2")}
    with stage(tmp_path, {BOT: spec(), "bot_2": spec()}, {**more, **typos}) as s, s.service() as service:
        service.first_run()
        environ = smallest(s.sandbox, s.remote, s.folder)
        still = service.api.post("/chatbots/typo_1/forget", json={"reason": "a typo"})
        assert (still.status_code, still.json()["code"]) == (409, "still_claimed")
        s.repository.commit(remove=list(typos))
        service.refresh()
        service.until("/chatbots/typo_1", lambda chatbot: chatbot["reason"] == "Orphaned")
        exists = run_command("chatbot", "forget", BOT, "--reason", "x", environ=environ, check=False)
        assert exists.returncode == 1
        assert service.post("/chatbots/typo_1/forget", reason="a typo")["chatbots"] == ["typo_1"]
        assert "typo_2  default  Orphaned" in run_command("chatbot", "list", environ=environ).stdout
        done = run_command("chatbot", "forget", "typo_2", "--reason", "a typo", environ=environ)
        assert done.stdout == "chatbot/typo_2 is forgotten\n"
        assert [each["id"] for each in service.get("/chatbots")["items"]] == [BOT, "bot_2"]
        assert "default  2 chatbots  configured" in run_command("tenant", "list", environ=environ).stdout
