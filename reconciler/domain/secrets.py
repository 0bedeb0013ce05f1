"""Recognises keys, tokens and passwords in texts, and redacts them.

Each shape begins with literal characters, which are looked for first: a text without them costs next to nothing, and
a hostile one no more than a short look at each of its places.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log2
from string import ascii_letters, digits
from typing import Final

_WORD: Final = r"A-Za-z0-9_\-"
_BEFORE: Final = frozenset(f"{ascii_letters}{digits}_-")
_LEAST_BITS: Final = 2.6
"""Entropy per character: random hexadecimal has more than three, what people type as a stand-in less than this."""
_STAND_IN: Final = re.compile(
    r"example|placeholder|your|dummy|sample|changeme|change.me|redacted|replace|insert|xxxx|\*\*\*|\.\.\.|…|"
    r"0{6}|1{6}|12345678|abcdefgh|not.?a.?real|fake",
    re.IGNORECASE,
)
_STAND_IN_PASSWORD: Final = re.compile(
    r"(?:my|the|some|db)?[-_.]?(?:password|passwort|passwd|pass|pwd|secret|token|key|api[-_]?key|credentials?|admin|user)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """How one kind of key looks.

    Attributes:
        kind: What it is, for a message.
        starts: The literal beginnings; a match begins with one of them. Without any, it is searched for by pattern.
        pattern: The whole, from its beginning; a group ``key``, where there is one, is the part that must look random.
        mixed: Whether that part holds both letters and digits.
        inside: Whether it may follow a letter or digit.
    """

    kind: str
    starts: Sequence[str]
    pattern: re.Pattern[str] = field(repr=False)
    mixed: bool = True
    inside: bool = False


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """Where a text holds a key. It never holds the key itself."""

    kind: str
    start: int
    end: int


def _shape(kind: str, starts: str, rest: str, *, mixed: bool = True, inside: bool = False) -> SecretPattern:
    """A shape whose beginnings are separated by blanks."""
    begin = "|".join(re.escape(start) for start in starts.split())
    pattern = re.compile(f"(?:{begin}){rest}", re.ASCII)
    return SecretPattern(kind, tuple(starts.split()), pattern, mixed, inside)


def _assigned(kind: str, names: str, rest: str) -> SecretPattern:
    """A key that only the name before it gives away, such as ``DD_API_KEY=…``."""
    return _shape(kind, names, rf"[\"']?\s{{0,5}}(?:=>?|:=?)\s{{0,5}}[\"']?(?P<key>{rest})(?![{_WORD}])", inside=True)


_END: Final = f"(?![{_WORD}])"
_PEM_BODY: Final = (
    r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]|[A-Za-z-]{2,20}: [^\n\\]{0,100}){1,40}"
    r"(?P<key>[A-Za-z0-9+/]{24,})(?:[A-Za-z0-9+/=\s]|\\[nr]){0,20000}(?:-----END [A-Z0-9 ]{1,40}-----)?"
)

SHAPES: Final[Sequence[SecretPattern]] = (
    _shape("a WizChat API key", "wpk_live_ wpk_test_", rf"(?P<key>[{_WORD}]{{16,}})"),
    _shape("a token of this service", "wzr_", rf"(?P<key>[{_WORD}]{{32,}})"),
    _shape("an AWS access key id", "AKIA ASIA", rf"(?P<key>[A-Z2-7]{{16}}){_END}", mixed=False),
    _assigned(
        "an AWS secret access key",
        "aws_secret_access_key AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN SecretAccessKey secretAccessKey",
        r"[A-Za-z0-9/+]{40}[A-Za-z0-9/+=]{0,2000}",
    ),
    _shape("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?P<key>[A-Za-z0-9]{36,255})"),
    _shape("a GitHub token", "github_pat_", r"(?P<key>[A-Za-z0-9_]{30,255})"),
    _shape("a GitLab token", "glpat- gldt- glrt- glptt- glagent- gloas-", rf"(?P<key>[{_WORD}]{{20,255}})"),
    _shape("a Slack token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", r"(?P<key>[A-Za-z0-9-]{20,255})"),
    _shape(
        "a Slack webhook",
        "hooks.slack.com/services/",
        r"T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/(?P<key>[A-Za-z0-9]{20,})",
        inside=True,
    ),
    _shape("a Stripe key", "sk_live_ rk_live_ whsec_", r"(?P<key>[A-Za-z0-9]{16,255})"),
    _shape("an Anthropic key", "sk-ant-", rf"(?P<key>[{_WORD}]{{24,255}})"),
    _shape("an OpenAI key", "sk-proj- sk-svcacct- sk-admin-", rf"(?P<key>[{_WORD}]{{24,255}})"),
    _shape("an OpenAI key", "sk-", rf"(?P<key>[A-Za-z0-9]{{32,255}}){_END}"),
    _shape("a Google API key", "AIza", rf"(?P<key>[{_WORD}]{{35}}){_END}"),
    _shape("a Google OAuth secret", "GOCSPX- ya29.", rf"(?P<key>[{_WORD}]{{24,2000}})"),
    _shape("an Azure storage key", "AccountKey=", r"(?P<key>[A-Za-z0-9+/]{86}==)", inside=True),
    _shape("an Azure shared access key", "SharedAccessKey=", r"(?P<key>[A-Za-z0-9+/]{43}=)", inside=True),
    _shape("an Azure client secret", "8Q~", rf"(?P<key>[{_WORD}.~]{{34}})(?![{_WORD}.~])", inside=True),
    _shape("a SendGrid key", "SG.", rf"(?P<key>[{_WORD}]{{16,32}}\.[{_WORD}]{{32,64}}){_END}"),
    _shape("a Twilio key", "SK", rf"(?P<key>[0-9a-f]{{32}}){_END}"),
    _shape("an npm token", "npm_", rf"(?P<key>[A-Za-z0-9]{{36}}){_END}"),
    _shape("a PyPI token", "pypi-AgE", rf"(?P<key>[{_WORD}]{{40,1000}})"),
    _shape("a Hugging Face token", "hf_", rf"(?P<key>[A-Za-z0-9]{{30,60}}){_END}", mixed=False),
    _shape("a DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", rf"(?P<key>[a-f0-9]{{64}}){_END}"),
    _shape("a Heroku key", "HRKU-", rf"(?P<key>[{_WORD}]{{36,100}})"),
    _assigned(
        "a Heroku key",
        "HEROKU_API_KEY heroku_api_key herokuApiKey",
        r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    ),
    _shape("a Mailgun key", "key-", rf"(?P<key>[0-9a-f]{{32}}){_END}"),
    _shape("a Telegram bot token", ":AA", rf"(?<=[0-9]{{8}}:AA)(?P<key>[{_WORD}]{{32,34}}){_END}", inside=True),
    SecretPattern(
        "a Discord bot token",
        (),
        re.compile(rf"[MNO][{_WORD}]{{23,25}}\.(?P<key>[{_WORD}]{{6}}\.[{_WORD}]{{27,38}}){_END}", re.ASCII),
    ),
    _shape(
        "a Discord webhook",
        "discord.com/api/webhooks/ discordapp.com/api/webhooks/",
        rf"[0-9]{{17,20}}/(?P<key>[{_WORD}]{{60,80}})",
        inside=True,
    ),
    _shape("a JSON Web Token", "eyJ", rf"[{_WORD}]{{8,4000}}\.eyJ[{_WORD}]{{8,8000}}\.(?P<key>[{_WORD}]{{16,4000}})"),
    _shape("a private key", "-----BEGIN", f" {_PEM_BODY}", inside=True),
    _shape("a Bearer token", "Bearer bearer BEARER", rf"\s{{1,3}}(?P<key>[{_WORD}.~+/]{{20,4000}}=*)"),
    _shape(
        "a password in a URL",
        "://",
        r"[^\0\s/:@\"'<>{}$]{0,100}:(?P<key>[^\0\s/@\"'<>{}$]{3,200})@(?=[A-Za-z0-9\[])",
        inside=True,
    ),
    _shape("a Shopify token", "shpat_ shpca_ shppa_ shpss_", rf"(?P<key>[a-fA-F0-9]{{32}}){_END}"),
    _shape("a Square token", "sq0atp- sq0csp- sq0idp-", rf"(?P<key>[{_WORD}]{{22,43}})"),
    _shape("a Square token", "EAAA", rf"(?P<key>[{_WORD}]{{60}}){_END}"),
    _assigned(
        "a Datadog key",
        "DD_API_KEY dd_api_key DD_APP_KEY dd_app_key DATADOG_API_KEY datadog_api_key DD-API-KEY DD-APPLICATION-KEY",
        r"[0-9a-f]{32}(?:[0-9a-f]{8})?",
    ),
    _shape("a Databricks token", "dapi", rf"(?P<key>[0-9a-f]{{32}})(?:-[0-9])?{_END}"),
    _shape("a Grafana token", "glsa_", rf"(?P<key>[A-Za-z0-9]{{32}}_[A-Fa-f0-9]{{8}}){_END}"),
    _shape("a HashiCorp Vault token", "hvs. hvb.", rf"(?P<key>[{_WORD}]{{24,300}})"),
    _shape("an Atlassian token", "ATATT3", rf"(?P<key>[{_WORD}=]{{60,400}})"),
    _shape("a Docker token", "dckr_pat_", rf"(?P<key>[{_WORD}]{{24,60}})"),
    _shape("a Notion token", "ntn_", r"(?P<key>[A-Za-z0-9]{40,60})"),
    _shape("a Linear token", "lin_api_ lin_oauth_", r"(?P<key>[A-Za-z0-9]{32,80})"),
    _shape("a Postman key", "PMAK-", r"(?P<key>[a-f0-9]{24}-[a-f0-9]{34})"),
    _shape("a New Relic key", "NRAK-", r"(?P<key>[A-Z0-9]{27})"),
)
"""What is looked for. The more specific of two shapes with one beginning stands first."""


_SHORT: Final = 4096
"""Below this, one look for all beginnings at once is cheaper than a look for each."""
_ANY_START: Final = re.compile(
    "|".join([*(re.escape(start) for shape in SHAPES for start in shape.starts), rf"[MNO][{_WORD}]{{23,25}}\."])
)


def find_secrets(text: str) -> list[FoundSecret]:
    """Every key in a text, in order; of two that overlap, the one whose shape is listed first."""
    if len(text) < _SHORT and not _ANY_START.search(text):
        return []
    found = [secret for shape in SHAPES for secret in _of_shape(shape, text)]
    kept: list[FoundSecret] = []
    for secret in sorted(found, key=lambda item: item.start):
        if not kept or secret.start >= kept[-1].end:
            kept.append(secret)
    return kept


def redacted(text: str) -> str:
    """The text with every key in it replaced by the name of its kind."""
    shown, position = "", 0
    for secret in find_secrets(text):
        shown += f"{text[position : secret.start]}[{secret.kind}]"
        position = secret.end
    return shown + text[position:]


def _of_shape(shape: SecretPattern, text: str) -> Iterator[FoundSecret]:
    end = 0
    for match in _candidates(shape, text):
        position = match.start()
        if position >= end and not _is_inner(shape, text, position) and _looks_real(shape, match):
            end = match.end()
            yield FoundSecret(shape.kind, position, end)


def _candidates(shape: SecretPattern, text: str) -> Iterator[re.Match[str]]:
    if not shape.starts:
        yield from shape.pattern.finditer(text)
    for start in shape.starts:
        position = text.find(start)
        while position >= 0:
            if not _is_inner(shape, text, position) and (found := shape.pattern.match(text, position)):
                yield found
                position = found.end() - 1
            position = text.find(start, position + 1)


def _is_inner(shape: SecretPattern, text: str, position: int) -> bool:
    return not shape.inside and position > 0 and text[position - 1] in _BEFORE


def _looks_real(shape: SecretPattern, match: re.Match[str]) -> bool:
    key = match["key"]
    if _STAND_IN.search(match[0] if len(match[0]) < 500 else key):  # noqa: PLR2004 - a long one is judged by its key
        return False
    if shape.kind == "a password in a URL":
        return not _STAND_IN_PASSWORD.fullmatch(key)
    if shape.mixed and not (any(map(str.isdigit, key)) and any(map(str.isalpha, key))):
        return False
    return _entropy(key[:200]) >= _LEAST_BITS


def _entropy(text: str) -> float:
    counts = Counter(text).values()
    return -sum(count / len(text) * log2(count / len(text)) for count in counts)
