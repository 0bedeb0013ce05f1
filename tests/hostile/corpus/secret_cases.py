"""Keys that were committed by mistake, each where it may stand. They are made up, and kept in pieces."""

import json
import random
from collections.abc import Iterator
from string import ascii_letters, ascii_uppercase, digits

from tests.hostile.corpus.recipes import BAD, HEAD, JSON, Case, Fault, File, text_file

_RANDOM = random.Random()
_ANY = ascii_letters + digits
_HEX = "0123456789abcdef"


def _some(count: int, of: str = _ANY) -> str:
    while True:
        text = "".join(_RANDOM.choice(of) for _ in range(count))
        if any(map(str.isdigit, text)) and any(map(str.isalpha, text)):
            return text


def _uuid() -> str:
    return "-".join(_some(count, _HEX) for count in (8, 4, 4, 4, 12))


def _pem(kind: str) -> tuple[str, ...]:
    return ("-----BEGIN ", f"{kind}-----\n", f"{_some(64)}\n{_some(64)}\n", f"-----END {kind}-----\n")


def keys() -> dict[str, tuple[str, ...]]:
    """Every shape, by a name of its own, in pieces; always the same."""
    _RANDOM.seed(20261123)
    return {
        "wizchat-live": ("wpk_live_", _some(32)),
        "wizchat-test": ("wpk_test_", _some(32)),
        "reconciler-token": ("wzr_", _some(43)),
        "aws-access-key": ("AKIA", _some(16, ascii_uppercase + "234567")),
        "aws-session-key": ("ASIA", _some(16, ascii_uppercase + "234567")),
        "aws-secret": ("aws_secret_access", "_key = ", _some(40, _ANY + "/+")),
        "github-classic": ("ghp_", _some(36)),
        "github-oauth": ("gho_", _some(36)),
        "github-server": ("ghs_", _some(36)),
        "github-fine-grained": ("github_pat_", f"{_some(22)}_{_some(59)}"),
        "gitlab": ("glpat-", _some(20)),
        "slack-bot": ("xoxb-", f"{_some(11)}-{_some(24)}"),
        "slack-webhook": (
            "https://hooks.slack.com/",
            "services/",
            f"T{_some(8, _ANY.upper())}/B{_some(9, _ANY.upper())}/{_some(24)}",
        ),
        "stripe-secret": ("sk_live_", _some(24)),
        "stripe-restricted": ("rk_live_", _some(24)),
        "openai-old": ("sk-", _some(48)),
        "openai-project": ("sk-proj-", _some(60, _ANY + "-_")),
        "anthropic": ("sk-ant-", f"api03-{_some(90, _ANY + '-_')}"),
        "google-api": ("AIza", _some(35)),
        "google-oauth": ("GOCSPX-", _some(28)),
        "google-service-account": (
            "-----BEGIN ",
            "PRIVATE KEY-----\n",
            f"{_some(64)}\n",
            "-----END PRIVATE KEY-----\n",
        ),
        "azure-storage": ("AccountKey", "=", f"{_some(86)}=="),
        "azure-client": (f"{_some(2)}x", "8Q~", _some(34)),
        "sendgrid": ("SG", ".", f"{_some(22)}.{_some(43)}"),
        "twilio": ("SK", _some(32, _HEX)),
        "npm": ("npm_", _some(36)),
        "pypi": ("pypi-", f"AgEIcHlwaS5vcmc{_some(60)}"),
        "hugging-face": ("hf_", _some(34)),
        "digital-ocean": ("dop_v1_", _some(64, _HEX)),
        "heroku": ("HEROKU_API", "_KEY=", _uuid()),
        "mailgun": ("key-", _some(32, _HEX)),
        "telegram": (f"7{''.join(_RANDOM.choices('23456789', k=9))}", ":AA", _some(33)),
        "discord-bot": (f"M{_some(23)}", f".{_some(6)}", f".{_some(27)}"),
        "jwt": ("eyJ", f"{_some(33)}.eyJ{_some(40)}", f".{_some(43)}"),
        "pem-rsa": _pem("RSA PRIVATE KEY"),
        "pem-ec": _pem("EC PRIVATE KEY"),
        "pem-openssh": _pem("OPENSSH PRIVATE KEY"),
        "pem-pgp": _pem("PGP PRIVATE KEY BLOCK"),
        "basic-auth-url": ("https://", f"deploy:{_some(16)}", "@git.acme.io/x"),
        "postgres-url": ("postgresql://", f"app:{_some(12)}", "@db.internal/app"),
        "bearer": ("Authorization: ", "Bearer ", _some(40)),
        "shopify": ("shpat_", _some(32, _HEX)),
        "square": ("sq0atp-", _some(22)),
        "datadog": ("DD_API", "_KEY=", _some(32, _HEX)),
        "vault": ("hvs.", _some(90)),
        "databricks": ("dapi", _some(32, _HEX)),
    }


def cases() -> Iterator[Case]:
    """All of them."""
    found = keys()
    for name, parts in found.items():
        yield _included(f"secret-{name}-included", parts)
    for name, parts in found.items():
        if not any("\n" in part for part in parts):
            yield _refused(f"secret-{name}", (f"{HEAD}spec:\n  core:\n    a: '", *parts, "'\n"), 5, parts)
    yield from _places(found["github-classic"])
    yield from _broken(found["wizchat-live"])
    service_account = tuple(json.dumps(part)[1:-1] for part in found["google-service-account"])
    text = (
        '{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {\n"private_key": "',
        *service_account,
        '"}}}',
    )
    secret = (found["google-service-account"][2],)
    yield Case(
        "secret-service-account-json",
        (text_file(JSON, *text),),
        (Fault(JSON, 2, "looks like a private key"),),
        secrets=(secret,),
    )


def _refused(name: str, pieces: tuple[str, ...], line: int, parts: tuple[str, ...], path: str = BAD) -> Case:
    return Case(
        name, (text_file(path, *pieces),), (Fault(path, line, "this looks like a"),), secrets=(_tell_tale(parts),)
    )


def _tell_tale(parts: tuple[str, ...]) -> tuple[str, ...]:
    """What gives a key away: its longest piece."""
    return (max(parts, key=len).strip().split("\n")[0],)


def _included(name: str, parts: tuple[str, ...]) -> Case:
    files = (
        text_file(BAD, f"{HEAD}spec:\n  core:\n    p: {{$file: ../prompts/p.md}}\n"),
        text_file("prompts/p.md", "You are kind.\n\nThe key: ", *parts, "\n"),
    )
    return Case(
        name, files, (Fault(BAD, 5, '"prompts/p.md" cannot be included: line 3'),), secrets=(_tell_tale(parts),)
    )


def _places(key: tuple[str, ...]) -> Iterator[Case]:
    yield _refused("secret-in-a-key", (f"{HEAD}spec:\n  core:\n    ", *key, ": 1\n"), 5, key)
    yield _refused("secret-in-an-unknown-key", (f"{HEAD}spec:\n  ", *key, ": 1\n"), 4, key)
    yield _refused("secret-in-a-comment", ("# remember: ", *key, f"\n{HEAD}spec: {{}}\n"), 1, key)
    yield _refused("secret-in-a-late-comment", (f"{HEAD}spec: {{}}\n# ", *key), 4, key)
    yield _refused("secret-in-a-label", (f"{HEAD}metadata: {{labels: {{a: ", *key, "}}\nspec: {}\n"), 3, key)
    yield _refused("secret-as-chatbot-id", (f"{HEAD}metadata: {{chatbotId: ", *key, "}\nspec: {}\n"), 3, key)
    yield _refused("secret-as-path", (f"{HEAD}spec: {{core: {{p: {{$file: ../", *key, "}}}\n"), 3, key)
    yield _refused(
        "secret-in-a-block", (f"{HEAD}spec:\n  core:\n    p: |\n      one\n      two ", *key, "\n      three\n"), 7, key
    )
    yield _refused(
        "secret-in-a-folded-text", (f"{HEAD}spec:\n  core:\n    p: >\n      one\n      two ", *key, "\n"), 7, key
    )
    escaped = (key[0], f"\\x{ord(key[1][0]):02x}", key[1][1:])
    yield _refused("secret-with-an-escape", (f'{HEAD}spec:\n  core:\n    p: "', *escaped, '"\n'), 5, key)
    split = (key[0][:2], "\\\n      ", key[0][2:], key[1])
    yield _refused("secret-over-two-lines", (f'{HEAD}spec:\n  core:\n    p: "', *split, '"\n'), 5, key)
    yield _refused("secret-behind-an-alias", (f"{HEAD}spec:\n  core: {{a: &s ", *key, ", b: *s}\n"), 4, key)
    unicode = (f"\\u{ord(key[0][0]):04x}{key[0][1:]}", key[1])
    yield _refused(
        "secret-in-json-escaped",
        ('{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"a": "', *unicode, '"}}}'),
        1,
        key,
        JSON,
    )
    second = (f"---\n{HEAD}metadata: {{chatbotId: x}}\nspec: {{}}\n---\n{HEAD}spec: {{core: {{a: ", *key, "}}\n")
    fault = Fault(BAD, 9, "this looks like a GitHub token")
    yield Case("secret-in-the-second-document", (text_file(BAD, *second),), (fault,), ("x",), secrets=((key[1],),))
    path = "chatbots/" + "".join(key) + ".yaml"
    yield Case(
        "secret-as-file-name",
        (File(path.encode(), (f"{HEAD}spec: {{}}\n",)),),
        (Fault("chatbots/[a GitHub token]", 1, "whose name holds"),),
        secrets=((key[1],),),
    )


def _broken(key: tuple[str, ...]) -> Iterator[Case]:
    """Faults whose message would quote what stands there."""

    def broken(name: str, pieces: tuple[str, ...], line: int, part: str) -> Case:
        return Case(name, (text_file(BAD, *pieces),), (Fault(BAD, line, part),), secrets=((key[1],),))

    yield broken("secret-as-tag", (f"{HEAD}spec: {{core: {{a: !", *key, " x}}\n"), 3, "the tag")
    yield broken("secret-as-anchor", (f"{HEAD}spec: {{core: {{a: *", *key, "}}\n"), 3, "anchored as")
    yield broken("secret-as-key-twice", (f"{HEAD}spec: {{core: {{", *key, ": 1, ", *key, ": 2}}\n"), 3, "stands twice")
    yield broken(
        "secret-in-broken-yaml",
        (f"{HEAD}spec: {{core: {{a: ", *key, "\nb: [\n"),
        3,
        "this looks like a WizChat API key",
    )
    yield broken("secret-behind-the-break", (f"{HEAD}spec: ]\nb: ", *key, "\n"), 4, "this looks like a WizChat API key")
    yield broken("secret-alone", key, 1, "this looks like a WizChat API key")
    yield broken("secret-in-a-comment-alone", ("# ", *key), 1, "this looks like a WizChat API key")
    yield broken(
        "secret-as-enum",
        (f"{HEAD}spec: {{skills: [{{name: a, mode: ", *key, "}]}\n"),
        3,
        "this looks like a WizChat API key",
    )
    yield broken(
        "secret-as-item-name-twice",
        (f"{HEAD}spec: {{skills: [{{name: ", *key, "}, {name: ", *key, "}]}\n"),
        3,
        "stands twice",
    )
