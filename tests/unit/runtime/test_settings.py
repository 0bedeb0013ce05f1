"""The settings are read once, are strict, and say in one line what to change."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from reconciler.domain.policy import Policy, Protection
from reconciler.domain.setting_values import format_duration, parse_duration
from reconciler.errors import SettingsError
from reconciler.settings.input import load_settings
from reconciler.settings.model import Settings

TWO_VARIABLES = {"WIZCHAT_API_KEY": "wpk_live_read", "RECONCILER_GIT_URL": "https://git.example.com/acme/bots.git"}
TENANT = '[[tenants]]\nname = "acme"\napi_key = "wpk_live_read"\n'
SOURCE = '[[sources]]\nname = "main"\ntenant = "acme"\nurl = "https://git.example.com/bots.git"\n'


def from_toml(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = tmp_path / "reconciler.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings({"RECONCILER_CONFIG": str(path), **(environ or {})})


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ('["!chatbots/drafts/**"]', "only excludes"),
        ('["./chatbots/*.yaml"]', "without ./"),
        ('["/chatbots/*.yaml"]', "from the repository's root"),
        ('["../chatbots/*.yaml"]', "from the repository's root"),
        ('["chatbots\\\\*.yaml"]', "from the repository's root"),
        ('["chatbots/"]', 'write "chatbots/**"'),
        ('[""]', "from the repository's root"),
        ('["chatbots"]', 'write "chatbots/**/*.yaml"'),
        ('["chatbots/*/bots"]', 'write "chatbots/*/bots/**/*.yaml"'),
        ('["chatbots/**/*.yaml", "bots"]', '"bots" matches no document'),
        ('["bots/*.md"]', 'write "bots/*.yaml"'),
        ('["README.md"]', 'write "*.yaml"'),
        ('["ml"]', 'write "ml/**/*.yaml"'),
    ],
)
def test_paths_that_can_select_nothing_are_refused(tmp_path: Path, paths: str, said: str) -> None:
    message = toml_refusal(tmp_path, f"{TENANT}{SOURCE}paths = {paths}\n")
    assert "paths" in message
    assert said in message


def test_paths_may_exclude_what_others_select(tmp_path: Path) -> None:
    settings = from_toml(tmp_path, f'{TENANT}{SOURCE}paths = ["bots/**/*.yaml", "!bots/drafts/"]\n')
    assert settings.sources[0].paths == ("bots/**/*.yaml", "!bots/drafts/")


@pytest.mark.parametrize(
    "glob", ["*", "**", "bots/**", "bots/*", "*.y*ml", "*ml", "bots/a.json", "a?", "a.[jy]*", "*.y[a]ml", "x.yam?"]
)
def test_paths_that_may_select_a_document_are_taken(tmp_path: Path, glob: str) -> None:
    assert from_toml(tmp_path, f'{TENANT}{SOURCE}paths = ["{glob}"]\n').sources[0].paths == (glob,)


def refusal(environ: Mapping[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def toml_refusal(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        from_toml(tmp_path, text, environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestSmallestInstallation:
    def test_two_variables_make_a_tenant_and_a_source_that_only_observe(self) -> None:
        settings = load_settings(TWO_VARIABLES)

        (tenant,), (source,) = settings.tenants, settings.sources
        assert (tenant.name, source.name, source.tenant) == ("default", "default", "default")
        assert tenant.read_only
        assert tenant.base_url == "https://www.wizchat.com"
        assert source.branch is None
        assert source.interval == timedelta(minutes=5)
        assert settings.server.host == "127.0.0.1"
        assert settings.database_url.get_secret_value() == "sqlite:////var/lib/reconciler/reconciler.db"
        settings.check_servable()

    def test_a_write_key_makes_it_able_to_apply(self) -> None:
        settings = load_settings({**TWO_VARIABLES, "WIZCHAT_WRITE_API_KEY": "wpk_live_write"})

        assert not settings.tenant().read_only

    def test_branch_base_url_and_key_files_are_taken_too(self, tmp_path: Path) -> None:
        key = tmp_path / "key"
        key.write_text("wpk_live_filed\n", encoding="utf-8")

        settings = load_settings(
            {
                "WIZCHAT_API_KEY_FILE": str(key),
                "WIZCHAT_BASE_URL": "http://127.0.0.1:8700/",
                "RECONCILER_GIT_URL": "git@git.example.com:acme/bots.git",
                "RECONCILER_GIT_BRANCH": "release/1.x",
            }
        )

        assert settings.tenant().api_key.get_secret_value() == "wpk_live_filed"
        assert settings.tenant().base_url == "http://127.0.0.1:8700"
        assert settings.sources[0].branch == "release/1.x"

    def test_a_key_alone_is_enough_for_commands_but_not_for_the_service(self) -> None:
        settings = load_settings({"WIZCHAT_API_KEY": "wpk_live_read"})

        with pytest.raises(SettingsError, match="RECONCILER_GIT_URL"):
            settings.check_servable()

    def test_a_git_url_without_a_key_says_which_variable_is_missing(self) -> None:
        assert "set WIZCHAT_API_KEY" in refusal({"RECONCILER_GIT_URL": "https://git.example.com/bots.git"})

    def test_both_forms_at_once_are_refused(self, tmp_path: Path) -> None:
        message = toml_refusal(tmp_path, TENANT + SOURCE, TWO_VARIABLES)
        assert "choose one form" in message
        assert all(name in message for name in TWO_VARIABLES)

    @pytest.mark.parametrize("left_over", ["RECONCILER_GIT_URL", "RECONCILER_GIT_BRANCH", "WIZCHAT_BASE_URL"])
    def test_a_variable_that_was_left_over_beside_a_file_is_named(self, tmp_path: Path, left_over: str) -> None:
        message = toml_refusal(tmp_path, TENANT + SOURCE, {left_over: "https://git.example.com"})
        assert message.startswith(f"{left_over} and [[tenants]] or [[sources]] are both set")


class TestLayers:
    def test_the_environment_wins_over_the_file(self, tmp_path: Path) -> None:
        text = TENANT + SOURCE + '[server]\nport = 9000\nhost = "::1"\n[policy]\nplan_ttl = "1d"\n'

        settings = from_toml(tmp_path, text, {"RECONCILER_SERVER__PORT": "9001", "RECONCILER_POLICY__PLAN_TTL": "2d"})

        assert (settings.server.port, settings.server.host) == (9001, "::1")
        assert settings.policy.plan_ttl == timedelta(days=2)

    def test_a_secrets_file_in_the_environment_wins_over_the_secret_in_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("e" * 32, encoding="utf-8")
        text = f'[auth]\nbootstrap_token = "{"f" * 32}"\n'

        settings = from_toml(tmp_path, text, {"RECONCILER_AUTH__BOOTSTRAP_TOKEN_FILE": str(tmp_path / "token")})

        assert settings.auth.bootstrap_token
        assert settings.auth.bootstrap_token.get_secret_value() == "e" * 32

    def test_lists_in_the_environment_are_json_or_separated_by_commas(self) -> None:
        settings = load_settings(
            {
                "RECONCILER_SERVER__ALLOWED_HOSTS": "a.example, b.example",
                "RECONCILER_SERVER__TRUSTED_PROXIES": '["10.0.0.0/8"]',
            }
        )

        assert settings.server.allowed_hosts == ("a.example", "b.example")
        assert settings.server.trusted_proxies == (ip_network("10.0.0.0/8"),)

    def test_whole_tables_come_from_the_environment_as_json(self) -> None:
        settings = load_settings(
            {
                "RECONCILER_TENANTS": '[{"name": "acme", "api_key": "wpk_live_read"}]',
                "RECONCILER_SOURCES": '[{"name": "main", "tenant": "acme", "url": "ssh://git@git.example.com/bots.git"}]',
            }
        )

        assert settings.sources[0].tenant == settings.tenant().name == "acme"

    def test_nothing_is_read_behind_the_callers_back(self) -> None:
        assert load_settings({}).tenants == ()

    def test_an_empty_variable_counts_as_not_set(self) -> None:
        assert load_settings({**TWO_VARIABLES, "WIZCHAT_WRITE_API_KEY": ""}).tenant().read_only

    def test_settings_are_frozen(self) -> None:
        settings = load_settings(TWO_VARIABLES)

        with pytest.raises(ValueError, match="frozen"):
            settings.server.port = 1  # type: ignore[misc]  # that is the point

    def test_the_policy_is_the_engines(self) -> None:
        assert load_settings({}).policy == Policy()


class TestUnknownNames:
    def test_in_the_environment(self) -> None:
        assert "RECONCILER_SERVER__PROT: did you mean RECONCILER_SERVER__PORT?" in refusal(
            {"RECONCILER_SERVER__PROT": "1"}
        )
        assert "RECONCILER_GIT_URI: did you mean RECONCILER_GIT_URL?" in refusal({"RECONCILER_GIT_URI": "1"})

    def test_in_the_file(self, tmp_path: Path) -> None:
        message = toml_refusal(tmp_path, "[server]\nprot = 1\n")

        assert "unknown setting server.prot: did you mean server.port?" in message
        assert "reconciler.toml" in message

    def test_in_a_table_of_the_file(self, tmp_path: Path) -> None:
        assert "unknown setting tenants[0].api_keys: did you mean" in toml_refusal(
            tmp_path, TENANT + 'api_keys = "x"\n'
        )
        assert "unknown setting sevrer: did you mean server?" in toml_refusal(tmp_path, "[sevrer]\nport = 1\n")

    def test_variables_of_clients_and_of_others_are_left_alone(self) -> None:
        load_settings({"RECONCILER_TOKEN": "wzr_x", "PATH": "/bin"})


class TestRefusals:
    @pytest.mark.parametrize(
        ("environ", "says"),
        [
            ({"WIZCHAT_BASE_URL": "http://wizchat.example"}, "use https"),
            ({"WIZCHAT_BASE_URL": "www.wizchat.com"}, "it is not a URL such as https://www.wizchat.com"),
            ({"WIZCHAT_BASE_URL": "https://wizchat.example/api/v1"}, "it has a path: write https://wizchat.example,"),
            ({"WIZCHAT_BASE_URL": "https://wizchat.example:8443/w//"}, "write https://wizchat.example:8443,"),
            (
                {"WIZCHAT_BASE_URL": "https://wizchat.example/?a"},
                "a query or a fragment: write https://wizchat.example",
            ),
            ({"WIZCHAT_BASE_URL": "https://wizchat.example#"}, "a query or a fragment: write https://wizchat.example"),
            (
                {"WIZCHAT_BASEURL": "https://staging.example"},
                "unknown setting WIZCHAT_BASEURL: did you mean WIZCHAT_BASE_URL?",
            ),
            ({"WIZCHAT_WRITE_KEY": "x"}, "unknown setting WIZCHAT_WRITE_KEY: did you mean WIZCHAT_WRITE_API_KEY?"),
            ({"wizchat_base_ulr": "x"}, "did you mean WIZCHAT_BASE_URL?"),
            ({"RECONCILER_GIT_URL": "http://git.example.com/bots.git"}, "use https or ssh"),
            ({"RECONCILER_GIT_URL": "git://git.example.com/bots.git"}, "use https or ssh"),
            ({"RECONCILER_GIT_URL": "file:///srv/bots.git"}, "insecure = true"),
            ({"RECONCILER_GIT_URL": "ext::sh"}, "the git URL must be"),
            ({"RECONCILER_GIT_URL": "--upload-pack=id"}, "begins with"),
            ({"RECONCILER_GIT_BRANCH": "--orphan"}, "is no branch name"),
            ({"RECONCILER_SERVER__PORT": "http"}, "RECONCILER_SERVER__PORT"),
            ({"RECONCILER_SERVER__TRUSTED_PROXIES": "proxy"}, "neither an IP address"),
            (
                {"RECONCILER_SERVER__CORS_ORIGINS": "https://a.example/x"},
                "it is not an origin: write https://a.example,",
            ),
            ({"RECONCILER_SERVER__CORS_ORIGINS": "[1"}, "JSON list"),
            ({"RECONCILER_DATABASE__URL": "mysql://db"}, "postgresql://"),
            ({"RECONCILER_POLICY__AUTO_APPLY": "all"}, "'none', 'additive', 'no_delete' or 'full'"),
            ({"RECONCILER_POLICY__AUTO_APPLY": "all"}, "set by RECONCILER_POLICY__AUTO_APPLY"),
            ({"RECONCILER_POLICY__SELF_HEAL": "true"}, "set auto_apply"),
            ({"RECONCILER_POLICY__APPROVALS": "2", "RECONCILER_POLICY__DELETE_APPROVALS": "1"}, "use as many or more"),
            ({"RECONCILER_POLICY__PROTECTED": "mcpServers"}, "chatbot/section/key"),
            ({"RECONCILER_POLICY__FLEET_MAX_SHARE": "30"}, "policy.fleet_max_share"),
            ({"RECONCILER_OIDC__ISSUER": "https://id.example.com"}, "oidc.client_id"),
            ({"RECONCILER_OIDC__ISSUER": "http://id.example.com"}, "use https"),
            ({"RECONCILER_GRANTS": '[{"group": "g", "role": "owner"}]'}, "grants"),
            (
                {"RECONCILER_GRANTS": '[{"group": "g", "role": "viewer", "sources": ["typo"]}]'},
                "there is no source 'typo': use one of default",
            ),
            ({"RECONCILER_AUDIT__RETENTION": "1h"}, "audit.retention"),
            ({"RECONCILER_POLICY__APPLY_SETTLE": "9s"}, "use 10s or more"),
            ({"RECONCILER_POLICY__PLAN_TTL": "7"}, "1h30m"),
            (
                {"RECONCILER_POLICY__PLAN_TTL": "36501d"},
                "policy.plan_ttl: '36501d' is too long a duration: give at most",
            ),
            ({"RECONCILER_AUDIT__RETENTION": "9999999d"}, "too long a duration: give at most 36500d"),
            ({"RECONCILER_DATA__RUNS": "1" + "0" * 5000 + "s"}, "too long a duration: give at most 36500d"),
            (
                {"RECONCILER_AUDIT__RETENTION": "0s"},
                "audit.retention: it should be greater than or equal to 1 day (set by RECONCILER_AUDIT__RETENTION)",
            ),
            ({"RECONCILER_CONFIG": "/dev/zero"}, "/dev/zero is larger than 1 MiB: name a file of settings"),
            ({"RECONCILER_POLICY__APPROVALS": "9" * 23}, "policy.approvals"),
            ({"RECONCILER_POLICY__DELETE_APPROVALS": "101"}, "policy.delete_approvals"),
            ({"RECONCILER_AUTH__FAILURES_PER_MINUTE": "9" * 23}, "auth.failures_per_minute"),
            ({"RECONCILER_SERVER__ALLOWED_HOSTS": "[" * 100_000}, "JSON list"),
            ({"RECONCILER_TENANTS": "[" * 100_000}, "nested too deeply"),
            (
                {"RECONCILER_SERVER__PUBLIC_URL": "https://ops.example.com:99999"},
                "server.public_url: it is not a URL such as https://reconciler.example.com",
            ),
            ({"RECONCILER_POLICY__APPROVALS": "0"}, "policy.approvals"),
            ({"RECONCILER_AUTH__BOOTSTRAP_TOKEN": "short"}, "at least 32 characters"),
            ({"WIZCHAT_API_KEY_FILE": "/nowhere/key"}, "keep one of them"),
            ({"RECONCILER_TENANTS": "{"}, "RECONCILER_TENANTS is not valid JSON"),
            ({"RECONCILER_CONFIG": "/nowhere/reconciler.toml"}, "cannot be read"),
        ],
    )
    def test_one_line_says_what_to_change(self, environ: dict[str, str], says: str) -> None:
        assert says in refusal({**TWO_VARIABLES, **environ})

    def test_a_file_that_is_nested_too_deeply_is_named(self, tmp_path: Path) -> None:
        assert "nested too deeply" in toml_refusal(tmp_path, f"a = {'[' * 10_000}")

    def test_an_insecure_remote_is_taken_when_asked_for(self) -> None:
        environ = {**TWO_VARIABLES, "RECONCILER_GIT_URL": "file:///srv/bots.git", "RECONCILER_GIT_INSECURE": "true"}

        assert load_settings(environ).sources[0].insecure

    def test_a_missing_secret_file_is_named(self) -> None:
        message = refusal({"WIZCHAT_API_KEY_FILE": "/nowhere/key"})

        assert "api_key_file: /nowhere/key cannot be read" in message
        assert "WIZCHAT_API_KEY_FILE" in message

    def test_an_empty_secret_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "key").touch()

        assert "is empty" in refusal({"WIZCHAT_API_KEY_FILE": str(tmp_path / "key")})

    @pytest.mark.parametrize("key", ["wpk live", "wpk\nwpk", "wpk\ufeff", "“wpk”"])
    @pytest.mark.parametrize("setting", ["api_key", "write_api_key"])
    def test_a_key_that_cannot_be_sent_is_named_and_not_shown(self, tmp_path: Path, setting: str, key: str) -> None:
        (tmp_path / "key").write_text(key, encoding="utf-8")
        keys = {"WIZCHAT_API_KEY": "wpk_live_reader", f"WIZCHAT_{setting.upper()}": key}
        files = {**keys, f"WIZCHAT_{setting.upper()}": "", f"WIZCHAT_{setting.upper()}_FILE": str(tmp_path / "key")}

        for given in (keys, files):
            message = refusal(given)
            assert f"tenants[0].{setting}: it holds a space, line break or non-ASCII character" in message
            assert key not in message

    def test_a_secret_file_that_is_not_utf8_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("wpk_live_reader", encoding="utf-16")

        message = refusal({"WIZCHAT_API_KEY_FILE": str(tmp_path / "key")})
        assert "api_key_file: " in message
        assert "it is not UTF-8 text" in message

    @pytest.mark.parametrize("text", ["\ufeffwpk_live_w", "\ufeff wpk_live_w\r\n", "\n wpk_live_w \n"])
    def test_a_byte_order_mark_and_white_space_around_a_secret_are_dropped(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "key").write_text(text, encoding="utf-8", newline="")
        tenant = load_settings({**TWO_VARIABLES, "WIZCHAT_WRITE_API_KEY_FILE": str(tmp_path / "key")}).tenant()

        assert tenant.write_api_key is not None
        assert tenant.write_api_key.get_secret_value() == "wpk_live_w"

    def test_two_of_one_name(self, tmp_path: Path) -> None:
        assert "sources: two are named 'main'" in toml_refusal(tmp_path, TENANT + SOURCE + SOURCE)
        assert "tenants: two are named 'acme'" in toml_refusal(tmp_path, TENANT + TENANT)

    def test_a_source_of_an_unknown_tenant(self, tmp_path: Path) -> None:
        message = toml_refusal(tmp_path, TENANT + SOURCE.replace('tenant = "acme"', 'tenant = "acne"'))

        assert "sources.main.tenant: there is no tenant 'acne': use one of acme" in message

    def test_a_name_that_would_not_fit_into_a_url(self, tmp_path: Path) -> None:
        assert "is not a name" in toml_refusal(tmp_path, TENANT.replace("acme", "acme/eu"))

    def test_a_missing_key(self, tmp_path: Path) -> None:
        assert "tenants[0].api_key: it is missing" in toml_refusal(tmp_path, '[[tenants]]\nname = "acme"\n')

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[sources]\nname = 'main'\n", "sources: it is a list of tables: write [[sources]], with two brackets"),
            ("[tenants]\nname = 'acme'\n", "tenants: it is a list of tables: write [[tenants]], with two brackets"),
            ("[[policy]]\napprovals = 1\n", "policy: it is one table: write [policy], with one bracket"),
        ],
    )
    def test_a_table_with_the_wrong_brackets(self, tmp_path: Path, text: str, said: str) -> None:
        assert said in toml_refusal(tmp_path, text)

    def test_a_byte_order_mark_is_passed_over(self, tmp_path: Path) -> None:
        assert from_toml(tmp_path, "\ufeff" + TENANT).tenants[0].name == "acme"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('protected = ["a/b"]', "policy.protected[0]: 'a/b' is not a pattern chatbot/section/key"),
            ("protected = [1]", "policy.protected[0]: it should be a valid string"),
            ('protected = {a = "b"}', "policy.protected: it should be a valid tuple"),
        ],
    )
    def test_what_protects_nothing_is_refused(self, tmp_path: Path, text: str, said: str) -> None:
        assert said in toml_refusal(tmp_path, f"[policy]\n{text}\n")

    def test_what_is_protected_may_be_separated_by_commas(self) -> None:
        policy = load_settings({"RECONCILER_POLICY__PROTECTED": "*/mcpServers/*, bot_vip/*/*"}).policy

        assert policy.protected == (Protection("*", "mcpServers", "*"), Protection("bot_vip", "*", "*"))

    def test_another_encoding_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "reconciler.toml"
        path.write_bytes(TENANT.encode("utf-16"))
        assert refusal({"RECONCILER_CONFIG": str(path)}) == f"{path} is not UTF-8: save it as UTF-8"

    def test_broken_toml(self, tmp_path: Path) -> None:
        assert "is not valid TOML" in toml_refusal(tmp_path, "[server\n")

    def test_forges_whose_webhooks_are_not_built_are_refused(self, tmp_path: Path) -> None:
        said = toml_refusal(tmp_path, TENANT + SOURCE + 'forge = "gitlab"\n')
        assert "sources[0].forge: it should be 'github' or 'generic'" in said


class TestSecrets:
    """Rule 9: nothing secret leaves."""

    def test_no_secret_is_in_repr(self, tmp_path: Path) -> None:
        settings = from_toml(
            tmp_path,
            TENANT
            + 'write_api_key = "wpk_live_SECRET1"\n'
            + SOURCE.replace("https://", "https://bot:SECRET2@")
            + 'webhook_secret = ["SECRET3", "SECRET4"]\n'
            + f'[auth]\nbootstrap_token = "{"SECRET5" * 5}"\n[database]\nurl = "postgresql://u:SECRET6@db/r"\n',
        )

        assert "SECRET" not in repr(settings)
        assert settings.sources[0].shown_url == "https://git.example.com/bots.git"
        assert [secret.get_secret_value() for secret in settings.sources[0].webhook_secret] == ["SECRET3", "SECRET4"]

    @pytest.mark.parametrize(
        "environ",
        [
            {"RECONCILER_AUTH__BOOTSTRAP_TOKEN": "SECRET"},
            {"RECONCILER_GIT_URL": "http://bot:SECRET@git.example.com/b.git"},
            {"RECONCILER_DATABASE__URL": "mysql://u:SECRET@db"},
            {"RECONCILER_TENANTS": '[{"api_key": "SECRET"'},
            {"WIZCHAT_BASE_URL": "https://u:SECRET@wizchat.example"},
        ],
    )
    def test_no_secret_is_in_a_refusal(self, environ: dict[str, str]) -> None:
        assert "SECRET" not in refusal({**TWO_VARIABLES, **environ})

    def test_webhook_secrets_come_from_files_while_rotating(self, tmp_path: Path) -> None:
        for name in ("old", "new"):
            (tmp_path / name).write_text(name, encoding="utf-8")
        files = [str(tmp_path / "old"), str(tmp_path / "new")]

        settings = from_toml(tmp_path, TENANT + SOURCE + f"webhook_secret_file = {files}\n")

        assert [secret.get_secret_value() for secret in settings.sources[0].webhook_secret] == ["old", "new"]


class TestDurations:
    @pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1h30m", 5400), ("7d", 604800)])
    def test_are_read_and_written_alike(self, text: str, seconds: int) -> None:
        assert parse_duration(text) == timedelta(seconds=seconds)
        assert format_duration(timedelta(seconds=seconds)) == text

    @pytest.mark.parametrize("text", ["", "5", "m5", "5 m", "-5m", "30s5m", "PT5M"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="duration"):
            parse_duration(text)


def test_a_tenant_is_chosen_by_name_where_there_are_several(tmp_path: Path) -> None:
    settings = from_toml(tmp_path, TENANT + TENANT.replace("acme", "beta"))

    assert settings.tenant("beta").name == "beta"
    with pytest.raises(SettingsError, match="choose a tenant: acme, beta"):
        settings.tenant()
    with pytest.raises(SettingsError, match="there is no tenant 'gamma'"):
        settings.tenant("gamma")
