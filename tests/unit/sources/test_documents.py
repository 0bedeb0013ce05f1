"""From files to documents: what is refused, at which place, and with which words."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from api_client import contract
from api_client.sandbox import Fleet
from api_client.sandbox.seed import default_fleet
from benchmarks.stage import document_of, fleet_of
from reconciler.domain.assemble import assemble
from reconciler.domain.diagnostics import Severity
from reconciler.domain.document import ParsedFile
from reconciler.domain.document_schema import document_schema
from reconciler.domain.status import Reason
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.builder import LIMITS
from reconciler.sources.file_tree import DEFAULT_PATHS, documents_of
from reconciler.sources.loader import BATCH_BYTES, SOURCE_LIMITS, SourceLimits, load_tree, select
from reconciler.sources.unmatched_files import with_surroundings
from tests.fakes.source import MemoryTree
from tests.support.contract import CONTRACT

KEY = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2"
HEAD = "apiVersion: v1\nkind: ChatbotConfig\n"
PATH = "chatbots/acme.yaml"


def parse(text: str | bytes, files: Mapping[str, str | bytes] | None = None, path: str = PATH) -> ParsedFile:
    tree = MemoryTree({path: text, **(files or {})}, {"link.md": "/etc/passwd", "linked": "prompts"})
    (file,) = [file for file in load_tree(tree, select(tree, [path]), CONTRACT, {}).files if file.path == path]
    return file


def lines(file: ParsedFile) -> list[str]:
    return [str(diagnostic) for diagnostic in file.diagnostics]


def test_a_document_without_metadata_claims_the_file_s_stem() -> None:
    (document,) = parse(HEAD + "spec: {}\n").documents
    assert (document.chatbot_id, document.path, document.line, document.labels) == ("acme", PATH, 1, {})
    assert document.body == {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}}


def test_metadata_names_the_chatbot_and_is_never_a_part_of_the_body() -> None:
    (document,) = parse(HEAD + "metadata: {chatbotId: bot_1, labels: {team: a}}\nprune: false\nspec: {}\n").documents
    assert (document.chatbot_id, dict(document.labels), document.prune) == ("bot_1", {"team": "a"}, False)
    assert "metadata" not in document.body


def test_json_is_held_to_the_same_rules() -> None:
    text = '{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {\n  "core": {"name": "A"}, "skill": []}}'
    assert lines(parse(text, path="bots/a.json")) == [
        'bots/a.json:2:26   spec: unknown key "skill": correct it; did you mean "skills"?'
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("  skill: []", '4:3   spec: unknown key "skill": correct it; did you mean "skills"?'),
        (
            "  skills: [{name: a, modus: always}]",
            '4:22   spec.skills[0]: unknown key "modus": correct it; did you mean "mode"?',
        ),
        (
            "  skills: [{name: a, mode: allways}]",
            '4:28   spec.skills[0].mode: must be "on_demand" or "always"; did you mean "always"?',
        ),
        ("  skills:\n    - body: x", '5:7   spec.skills[0]: "name" is missing: add it'),
        ("  skills:\n    - name: ''", "5:13   spec.skills[0].name: must not be empty"),
        (
            "  skills:\n    - name: a\n    - name: b\n    - name: a",
            '7:13   spec.skills[2].name: "a" stands twice, first at line 5, column 13: keep one of them',
        ),
        (
            "  domains: [{domain: a.com}, {domain: a.com}]",
            '4:39   spec.domains[1].domain: "a.com" stands twice, first at line 4, column 22: keep one of them',
        ),
        ("  skills: {}", "4:11   spec.skills: must be a list, not a mapping"),
        ("  skills:", "4:10   spec.skills: must be a list, not null"),
        ("  externalApi: {rateLimitPerMinute: 0}", "4:37   spec.externalApi.rateLimitPerMinute: must be at least 1"),
        (
            "  externalApi: {rateLimitPerMinute: 5000}",
            "4:37   spec.externalApi.rateLimitPerMinute: must be at most 1000",
        ),
        (
            "  externalApi: {rateLimitPerMinute: 10.0}",
            "4:37   spec.externalApi.rateLimitPerMinute: must be a whole number, not the number 10.0",
        ),
        ("  externalApi: {enabled: no}", "4:26   spec.externalApi.enabled: must be true or false, not text"),
        (
            '  externalApi: {enabled: "true"}',
            "4:26   spec.externalApi.enabled: must be true or false, not text: write it without quotes",
        ),
        (
            "  externalApi: {rateLimitPerMinute: '10'}",
            "4:37   spec.externalApi.rateLimitPerMinute: must be a whole number, not text: write it without quotes",
        ),
        (
            "  externalApi: {rateLimitPerMinute: '10.5'}",
            "4:37   spec.externalApi.rateLimitPerMinute: must be a whole number, not text",
        ),
        (
            "  skills: [{name: a, updatedAt: x}]",
            '4:22   spec.skills[0].updatedAt: "updatedAt" is server-owned: WizChat sets it; remove it',
        ),
        (
            "  scopes: {scopes: [{id: x, authorizedEmailCount: 1}]}",
            (
                '4:29   spec.scopes.scopes[0].authorizedEmailCount: "authorizedEmailCount" is server-owned: '
                "WizChat sets it; remove it"
            ),
        ),
    ],
)
def test_a_fault_of_the_contract_is_named_at_its_place(spec: str, expected: str) -> None:
    file = parse(f"{HEAD}spec:\n{spec}\n")
    assert lines(file) == [f"{PATH}:{expected}"]
    assert file.documents == ()
    assert [(refusal.chatbot_id, refusal.reason) for refusal in file.refusals] == [("acme", Reason.DOCUMENT_INVALID)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", "1:1   a document is a mapping with apiVersion, kind and spec: write it as one"),
        ("apiVersion: v1\nkind: Chatbot\nspec: {}\n", '2:7   kind: must be "ChatbotConfig"'),
        ("apiVersion: 1\nkind: ChatbotConfig\nspec: {}\n", '1:13   apiVersion: must be "v1"'),
        ("apiVersion: v1\nkind: ChatbotConfig\n", '1:1   "spec" is missing: add it'),
        (HEAD + "spec: {}\nmeta: {}\n", '4:1   unknown key "meta": correct it; did you mean "metadata"?'),
        (
            HEAD + "spec: {}\nextra: 1\n",
            '4:1   unknown key "extra": use one of apiVersion, kind, prune, spec, metadata',
        ),
        (HEAD + "spec: {}\nchatbotId: x\n", '4:1   chatbotId: "chatbotId" belongs below "metadata": move it there'),
        (HEAD + "spec: {labels: {}}\n", '3:8   spec.labels: "labels" belongs below "metadata": move it there'),
        (HEAD + "spec: {}\nprune: yes\n", "4:8   prune: must be true or false, not text"),
        (
            HEAD + 'spec: {}\nprune: "false"\n',
            "4:8   prune: must be true or false, not text: write it without quotes",
        ),
        (
            HEAD + "spec: {}\n_omittedSections: []\n",
            (
                '4:1   _omittedSections: "_omittedSections" belongs to a raw answer of WizChat: remove it '
                "(`reconciler export` leaves it out)"
            ),
        ),
        (
            HEAD + "spec: {}\nmetadata: {chatbotID: x}\n",
            '4:12   metadata: unknown key "chatbotID": correct it; did you mean "chatbotId"?',
        ),
        (HEAD + "spec: {}\nmetadata: {chatbotId: 123}\n", "4:23   metadata.chatbotId: must be text: put it in quotes"),
        (
            HEAD + "spec: {}\nmetadata: {chatbotId: }\n",
            "4:23   metadata.chatbotId: is empty: write its text, or remove the key",
        ),
        (
            HEAD + "spec: {}\nmetadata: {labels: {a: ~}}\n",
            "4:24   metadata.labels.a: is empty: write its text, or remove the key",
        ),
        (
            HEAD + "spec: {}\nmetadata: {chatbotId: a/b}\n",
            '4:23   metadata.chatbotId: "a/b" cannot be a chatbot id: it has no spaces, slashes or control characters',
        ),
        (HEAD + "spec: {}\nmetadata: {labels: {a: 1}}\n", "4:24   metadata.labels.a: must be text: put it in quotes"),
        (HEAD + "spec: {}\nmetadata: []\n", "4:11   metadata: must be a mapping with chatbotId and labels"),
    ],
)
def test_a_fault_of_the_frame_is_named_at_its_place(text: str, expected: str) -> None:
    assert f"{PATH}:{expected}" in lines(parse(text))
    assert parse(text).documents == ()


def test_all_faults_of_a_document_are_reported_in_order_of_place() -> None:
    file = parse(HEAD + "spec:\n  skill: []\n  skills: [{mode: x}]\n  core: {a: 1, a: 2}\nextra: 1\n")
    assert [(item.line, item.column) for item in file.diagnostics] == [(4, 3), (5, 12), (5, 19), (6, 16), (7, 1)]
    assert file.refusals[0].message.endswith('did you mean "skills"? (and 4 more)')


def test_a_schema_among_the_documents_is_told_as_one() -> None:
    file = parse(json.dumps(document_schema(contract.document_schema())), path="chatbots/chatbot.schema.json")
    (told,) = lines(file)
    assert told.startswith("chatbots/chatbot.schema.json:1:1   this is a JSON Schema, not a document: keep it outside")
    assert (file.documents, [refusal.chatbot_id for refusal in file.refusals]) == ((), [None])


def test_one_bad_document_hides_no_other() -> None:
    text = "---\n".join(
        f"{HEAD}metadata: {{chatbotId: {name}}}\nspec: {spec}\n"
        for name, spec in [("a", "{}"), ("b", "{skill: []}"), ("c", "{}")]
    )
    file = parse(text + "---\nmetadata: {chatbotId: d}\nspec: [\n")
    assert [document.chatbot_id for document in file.documents] == ["a", "c"]
    assert [refusal.chatbot_id for refusal in file.refusals] == ["b", "d"]
    assert [document.line for document in file.documents] == [1, 11]


def test_a_file_without_documents_is_worth_a_warning() -> None:
    file = parse("# nothing yet\n---\n")
    assert (file.documents, file.refusals) == ((), ())
    assert [(item.severity.value, item.message) for item in file.diagnostics] == [
        ("warning", "the file holds no document: remove it, or write one")
    ]


PROMPT = HEAD + "spec:\n  core:\n    prompt: {$file: %s}\n"
FILES = {"prompts/a.md": "Hello\n\n", "top.md": "top", "chatbots/near.md": "near", "crlf.md": "a\r\nb"}


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("../prompts/a.md", "Hello\n\n"),
        ("./near.md", "near"),
        ("../top.md", "top"),
        ("../chatbots/../prompts//a.md", "Hello\n\n"),
        ("../crlf.md", "a\r\nb"),
    ],
)
def test_an_include_is_the_text_of_that_file_untouched(reference: str, text: str) -> None:
    file = parse(PROMPT % reference, FILES)
    assert lines(file) == []
    assert file.documents[0].spec["core"]["prompt"] == text


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("../../etc/passwd", '"../../etc/passwd" leads out of the repository: name a file inside of it'),
        ("../../../x", '"../../../x" leads out of the repository: name a file inside of it'),
        ("../prompts/../../x", '"../prompts/../../x" leads out of the repository: name a file inside of it'),
        ("/etc/passwd", '"/etc/passwd" is not relative: name the file relative to the document'),
        ("~/x", '"~/x" is not relative: name the file relative to the document'),
        ("..\\x", '"..\\x" is not a path in git: separate folders by "/"'),
        ("C:/x", '"C:/x" is not a path in git: separate folders by "/"'),
        ("''", '"" is not a path: name a file, relative to the document'),
        ('"a\\tb"', '"a\\tb" is not a path: name a file, relative to the document'),
        ("none.md", 'there is no file "chatbots/none.md" at this revision: add it or correct the path'),
        ("../prompts", 'there is no file "prompts" at this revision: add it or correct the path'),
        ("..", 'there is no file "" at this revision: add it or correct the path'),
        (
            "file:///etc/passwd",
            'there is no file "chatbots/file:/etc/passwd" at this revision: add it or correct the path',
        ),
        ("../link.md", '"link.md" is a symbolic link: include a regular file'),
        ("../linked/a.md", '"linked/a.md" lies behind a symbolic link, "linked": include a regular file'),
        ("../latin.md", '"latin.md" cannot be included: the file is not UTF-8: save it as UTF-8'),
        (
            "../lfs.md",
            '"lfs.md" cannot be included: the file is a Git LFS pointer, not its content: keep it in git itself',
        ),
        ("../huge.md", '"huge.md" is larger than 1048576 bytes: shorten it'),
        ("1", '"$file" takes the path of a file'),
        ("x, also: y", '"$file" must be the only key of its mapping'),
    ],
)
def test_an_include_that_may_not_be_is_refused_at_its_place(reference: str, message: str) -> None:
    others: dict[str, str | bytes] = {
        **FILES,
        "latin.md": b"\xe9",
        "lfs.md": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        "huge.md": "x" * (1024 * 1024 + 1),
    }
    file = parse(PROMPT % reference, others)
    assert lines(file) == [f"{PATH}:5:21   spec.core.prompt.$file: {message}"]
    assert file.documents == ()


@pytest.mark.parametrize(
    ("there", "reference", "difference"),
    [
        ("chatbots/faq.md", "FAQ.md", "in upper and lower case"),
        ("chatbots/u\u0308ber.md", "\u00fcber.md", "in how its accents are stored"),
        ("chatbots/\u00fcber.md", "u\u0308ber.md", "in how its accents are stored"),
    ],
)
def test_a_file_that_some_disks_would_find_is_told_by_what_its_name_differs(
    there: str, reference: str, difference: str
) -> None:
    file = parse(PROMPT % reference, {there: "text"})
    [line] = lines(file)
    assert f"at this revision, but one whose name differs only {difference}" in line


@pytest.mark.parametrize(
    ("core", "expected"),
    [
        (
            "{behaviour: {tone: x}}",
            '"behaviour" is sent, and WizChat knows no such name: correct it; did you mean "behavior"?',
        ),
        ("{nmae: Acme}", 'did you mean "name"?'),
        ("{logo_url: x}", 'did you mean "logoUrl"?'),
        ("{RequireAuth: true}", 'did you mean "requireAuth"?'),
        (
            "{aiConfig: {temprature: 0.3}}",
            '"temprature" is sent, and WizChat knows no such name: correct it; did you mean "temperature"?',
        ),
        ("{behavior: {handover: {enabledd: true}}}", 'did you mean "enabled"?'),
        (
            "{aiConfig: {temperature: '0.3'}}",
            '4:34   spec.core.aiConfig.temperature: is known as a number, without quotes; did you mean "0.3"?',
        ),
        ("{aiConfig: {temperature: '0,3'}}", 'a number, without quotes; did you mean "0.3"?'),
        ("{behavior: {systemPrompt: ../prompts/a.md}}", "is sent, not what the file holds: write {$file: …} around it"),
        (
            "{behavior: {firstMessage: prompts/hello.TXT}}",
            "behavior.firstMessage: the path itself is sent, not what the file holds: write {$file: …} around it",
        ),
        ("{aiConfig: {maxOutputTokens: '300'}}", 'a whole number, without quotes; did you mean "300"?'),
        ("{aiConfig: {maxOutputTokens: 1.5}}", "a whole number, without quotes"),
        ("{requireAuth: yes}", 'true or false, without quotes; did you mean "true"?'),
        ("{requireAuth: 1}", "true or false, without quotes"),
        ("{name: 123}", 'text: put it in quotes; did you mean ""123""?'),
        ("{behavior: text}", "a mapping"),
        ("{behavior: {suggestedQuestions: one}}", "a list"),
    ],
)
def test_a_slip_in_the_free_object_is_a_warning(core: str, expected: str) -> None:
    file = parse(f"{HEAD}spec:\n  core: {core}\n")
    (told,) = file.diagnostics
    assert told.severity is Severity.WARNING
    assert str(told).endswith(expected)
    assert len(file.documents) == 1


def test_the_path_of_a_text_in_place_of_the_text_is_a_warning_in_every_section() -> None:
    file = parse(f"{HEAD}spec:\n  skills: [{{name: a, body: ../prompts/a.md}}, {{name: b, body: a.md}}]\n")
    (told,) = file.diagnostics
    assert str(told).startswith(f"{PATH}:4:28   spec.skills[0].body: the path itself is sent")
    assert (told.severity, len(file.documents)) == (Severity.WARNING, 1)


@pytest.mark.parametrize(
    "core",
    [
        "{name: A, description: null, logoUrl: x, status: draft, requireAuth: no_, salesAgentEnabled: false}",
        "{aiConfig: {temperature: 1, topP: 0.3}, theirs: {file: {deep: 1}}}",
        "{customerFields: {nmae: 1}}",
        "{appearance: {icon: {file: a.svg, size: 3}}}",
        "{description: 'see docs/help.md', logoUrl: https://acme.example/a.md, theirs: {doc: README.md}}",
    ],
)
def test_what_is_free_in_core_stays_free(core: str) -> None:
    file = parse(f"{HEAD}spec:\n  core: {core.replace('no_', 'true')}\n")
    assert (lines(file), len(file.documents)) == ([], 1)


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("  core: {behavior: {systemPrompt: {file: ../prompts/a.md}}}", "4:36   spec.core.behavior.systemPrompt.file"),
        ("  core: {texts: [{$fle: ../prompts/a.md}]}", "4:19   spec.core.texts[0].$fle"),
        ("  core: {x: {$File: a.md}}", "4:14   spec.core.x.$File"),
        ("  core: {x: {$include: a.md}}", "4:14   spec.core.x.$include"),
        ("  skills: [{name: a, body: {file: ../prompts/a.md}}]", "4:29   spec.skills[0].body.file"),
    ],
)
def test_an_include_without_its_mark_is_an_error_wherever_it_stands(spec: str, place: str) -> None:
    (told,) = (file := parse(f"{HEAD}spec:\n{spec}\n", FILES)).diagnostics
    assert told.severity is Severity.ERROR
    assert str(told).startswith(f"{PATH}:{place}: a mapping with ")
    assert told.suggestion == "$file"
    assert file.documents == ()


def test_a_refused_document_tells_its_warnings_after_its_first_error() -> None:
    file = parse(f"{HEAD}spec:\n  core: {{nmae: x}}\n  skill: []\n")
    assert [(found.line, found.severity.value) for found in file.diagnostics] == [(4, "warning"), (5, "error")]
    assert file.refusals[0].message.startswith(f"{PATH}:5:3 spec: unknown key")
    assert "more)" not in file.refusals[0].message


def test_everything_that_the_sandbox_and_its_contract_say_of_core_is_known() -> None:
    for chatbot in default_fleet():
        file = parse(json.dumps(document_of(chatbot)), path="chatbots/a.json")
        assert [found for found in lines(file) if "spec.core" in found] == []
        assert _unknown(chatbot.section("core"), CONTRACT.known_in_core) == []


def _unknown(value: Mapping[str, object], known: Mapping[str, dict[str, dict[str, object]]]) -> list[str]:
    """The names within a value that are not known, as deep as mappings go."""
    found = [name for name in value if name not in known]
    for name in value.keys() & known.keys():
        inner = value[name]
        if isinstance(inner, Mapping):
            found += _unknown(inner, known[name].get("properties", {}))  # type: ignore[arg-type]  # a schema's values
    return found


def test_included_text_is_held_to_the_contract_too() -> None:
    file = parse(HEAD + "spec:\n  skills: [{name: a, mode: {$file: ../top.md}}]\n", FILES)
    assert lines(file) == [f'{PATH}:4:28   spec.skills[0].mode: must be "on_demand" or "always"']


def test_includes_count_towards_the_size_of_the_document() -> None:
    many = ", ".join(["{$file: ../big.md}"] * 5)
    file = parse(HEAD + f"spec: {{core: {{texts: [{many}]}}}}\n", {"big.md": "x" * 1_000_000})
    assert len(file.diagnostics) == 1
    assert "exceed 4194304 characters" in lines(file)[0]


def test_metadata_is_never_included() -> None:
    file = parse(HEAD + "metadata: {chatbotId: {$file: ../top.md}}\nspec: {}\n", FILES)
    assert lines(file) == [f"{PATH}:3:23   metadata.chatbotId: must be text: put it in quotes"]


def test_a_document_that_is_a_symbolic_link_is_refused() -> None:
    tree = MemoryTree({}, {PATH: "../secret.yaml"})
    (file,) = load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, {}).files
    assert lines(file) == [
        f"{PATH}:1:1   this is a symbolic link: put a regular file here, or take it out of the source's paths"
    ]
    assert [(refusal.chatbot_id, refusal.path) for refusal in file.refusals] == [(None, PATH)]


@pytest.mark.parametrize(
    ("glob", "path", "selected"),
    [
        ("chatbots/**/*.yaml", "chatbots/a.yaml", True),
        ("chatbots/**/*.yaml", "chatbots/x/y/a.yaml", True),
        ("chatbots/**/*.yaml", "chatbots/a.yml", False),
        ("chatbots/**/*.yaml", "other/chatbots/a.yaml", False),
        ("chatbots/**/*.yaml", "chatbotsX/a.yaml", False),
        ("chatbots/*.yaml", "chatbots/x/a.yaml", False),
        ("**/*.json", "a.json", True),
        ("**", "x/y.yaml", True),
        ("**", "x/readme.md", False),
        ("chatbots/**", "chatbots/.hidden/y.yaml", True),
        ("a?.yaml", "ab.yaml", True),
        ("a?.yaml", "a/.yaml", False),
        ("[ab].yaml", "b.yaml", True),
        ("[!ab].yaml", "b.yaml", False),
        ("[!ab].yaml", "c.yaml", True),
        ("chatbots[!x]a.yaml", "chatbots/a.yaml", False),
        ("chatbots[!x]a.yaml", "chatbots-a.yaml", True),
        ("chatbots[+-0]a.yaml", "chatbots/a.yaml", False),
        ("a.yaml", "aXyaml", False),
        ("a+(b).yaml", "a+(b).yaml", True),
        ("A.yaml", "a.yaml", False),
    ],
)
def test_globs_select_as_git_s_pathspecs_do(glob: str, path: str, selected: bool) -> None:  # noqa: FBT001 - a table
    assert [entry.path for entry in documents_of(MemoryTree({path: ""}, {}), [glob])] == [path] * selected


@pytest.mark.parametrize(
    ("globs", "path", "selected"),
    [
        (["bots/**", "!bots/drafts/**"], "bots/a.yaml", True),
        (["bots/**", "!bots/drafts/**"], "bots/drafts/x/a.yaml", False),
        (["bots/**", "!bots/drafts"], "bots/drafts/a.yaml", False),
        (["bots/**", "!bots/drafts/"], "bots/drafts/a.yaml", False),
        (["bots/**", "!bots/drafts/"], "bots/drafts2/a.yaml", True),
        (["bots/**", "!bots/drafts/", "bots/drafts/a.yaml"], "bots/drafts/a.yaml", True),
        (["!bots/a.yaml", "bots/**"], "bots/a.yaml", True),
        (["bots/**", "!**/*.json"], "bots/x/a.json", False),
        (["bots/**", "!**/old"], "bots/x/old/a.yaml", False),
        ([r"\!bots/**"], "!bots/a.yaml", True),
        (["!bots/**"], "!bots/a.yaml", False),
    ],
)
def test_of_globs_the_last_that_matches_wins(globs: list[str], path: str, selected: bool) -> None:  # noqa: FBT001 - a table
    assert [entry.path for entry in documents_of(MemoryTree({path: ""}, {}), globs)] == [path] * selected


@pytest.mark.parametrize(
    ("globs", "link", "told"),
    [
        (DEFAULT_PATHS, "chatbots/team", True),
        (DEFAULT_PATHS, "chatbots", True),
        (DEFAULT_PATHS, "chatbots/a/b", True),
        (DEFAULT_PATHS, "other/team", False),
        (DEFAULT_PATHS, "chatbots2", False),
        (["chatbots/*.yaml"], "chatbots/team", False),
        (["chatbots/*/bot.yaml"], "chatbots/team", True),
        (["**/*.yaml"], "anything", True),
        (["chatbots/**", "!chatbots/team/"], "chatbots/team", False),
    ],
)
def test_a_link_is_told_where_documents_could_be_behind_it(globs: list[str], link: str, told: bool) -> None:  # noqa: FBT001 - a table
    tree = MemoryTree({PATH: HEAD + "spec: {}\n"}, {link: "../elsewhere"})
    snapshot = with_surroundings(assemble(None, ()), tree, globs)
    assert [found.path for found in snapshot.unread] == [link] * told


def test_an_unchanged_file_is_parsed_again_only_when_what_it_includes_changed() -> None:
    files = {PATH: PROMPT % "../prompts/a.md", "chatbots/other.yaml": HEAD + "spec: {}\n", **FILES}
    before = MemoryTree(files, {})
    known = {file.path: file for file in load_tree(before, select(before, DEFAULT_PATHS), CONTRACT, {}).files}
    changes: list[tuple[dict[str, str | bytes], list[str]]] = [
        ({}, []),
        ({"prompts/b.md": "new"}, []),
        ({"prompts/a.md": "Changed"}, [PATH]),
        ({PATH: PROMPT % "../top.md"}, [PATH]),
    ]
    for change, parsed in changes:
        tree = MemoryTree({**files, **change}, {})
        loaded = load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, known)
        assert [file.path for file in loaded.parsed] == parsed
        assert len(loaded.files) == 2


def test_an_included_file_that_becomes_a_link_of_the_same_content_is_noticed() -> None:
    files = {PATH: PROMPT % "../prompts/a.md", "prompts/a.md": "top.md"}
    before = MemoryTree(files, {})
    known = {file.path: file for file in load_tree(before, select(before, DEFAULT_PATHS), CONTRACT, {}).files}
    after = MemoryTree({PATH: files[PATH]}, {"prompts/a.md": "top.md"})
    blobs = [entry.blob_id for tree in (before, after) if (entry := tree.entry("prompts/a.md"))]
    assert len(blobs) == 2
    assert len(set(blobs)) == 1
    (file,) = load_tree(after, select(after, DEFAULT_PATHS), CONTRACT, known).files
    assert lines(file) == [
        f'{PATH}:5:21   spec.core.prompt.$file: "prompts/a.md" is a symbolic link: include a regular file'
    ]


def test_no_key_reaches_over_the_border_of_two_values() -> None:
    apart = parse(f"{HEAD}spec:\n  core:\n    texts:\n      - Bearer\n      - {'aB3dE5gH7jK9mN1pQ2rS4tU6vW8'}\n")
    together = parse(f"{HEAD}spec:\n  core:\n    texts:\n      - Bearer {'aB3dE5gH7jK9mN1pQ2rS4tU6vW8'}\n")
    assert (lines(apart), len(apart.documents)) == ([], 1)
    assert "this looks like" in lines(together)[0]


def test_each_of_several_documents_states_its_chatbot() -> None:
    file = parse(f"{HEAD}spec: {{}}\n---\n{HEAD}metadata: {{chatbotId: b}}\nspec: {{}}\n")
    assert [document.chatbot_id for document in file.documents] == ["b"]
    assert [refusal.chatbot_id for refusal in file.refusals] == [None]
    (told,) = lines(file)
    assert told.startswith(f"{PATH}:1:1   metadata.chatbotId: the file holds several documents")
    alone = parse(f"---\n{HEAD}spec: {{}}\n---\n# nothing\n")
    assert [(document.chatbot_id, document.states_id) for document in alone.documents] == [("acme", False)]


def test_a_document_that_breaks_off_within_its_metadata_claims_nothing() -> None:
    for text, claimed in [("metadata: {chatbotId: 'b", None), ("metadata: {chatbotId: b}\nspec: [", "b")]:
        assert [refusal.chatbot_id for refusal in parse(HEAD + text).refusals] == [claimed]


def test_a_missing_include_that_appears_is_noticed() -> None:
    tree = MemoryTree({PATH: PROMPT % "../late.md"}, {})
    known = {file.path: file for file in load_tree(tree, select(tree, [PATH]), CONTRACT, {}).files}
    assert known[PATH].includes == {"late.md": None}
    later = MemoryTree({PATH: PROMPT % "../late.md", "late.md": "now"}, {})
    loaded = load_tree(later, select(later, [PATH]), CONTRACT, known)
    assert loaded.files[0].documents[0].spec["core"]["prompt"] == "now"


def test_a_flood_of_faults_is_cut_off() -> None:
    file = parse(HEAD + "spec:\n" + "".join(f"  k{number}: 1\n" for number in range(5_000)))
    assert len(file.diagnostics) == 20


def test_a_flood_of_documents_is_cut_off() -> None:
    file = parse("--- {}\n" * 1_005)
    assert len(file.refusals) == 1_001
    assert file.refusals[-1].message == f"{PATH}:1001:1 the file holds more than 1000 documents: split it"


def test_text_that_many_files_include_counts_for_each_of_them() -> None:
    files = {f"chatbots/{number}.yaml": PROMPT % "../big.md" for number in range(200)}
    tree = MemoryTree({**files, "big.md": "x" * 1_000_000}, {})
    with pytest.raises(SourceUnreadable) as raised:
        load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, {})
    assert raised.value.cause is SourceCause.TOO_LARGE


SOURCE = {PATH: PROMPT % "../top.md", "chatbots/other.yaml": HEAD + "spec: {}\n---\n", "top.md": "x" * 1_000}


@pytest.mark.parametrize(
    ("limit", "used"),
    [
        ("bytes", len(SOURCE[PATH]) + len(SOURCE["chatbots/other.yaml"])),
        ("documents", 3),  # a blank one is read, too
        ("values", 13 + 7),
        ("characters", 1_000 + 57 + len("top.md") + 33),
    ],
)
def test_a_source_asks_for_so_much_and_no_more(limit: str, used: int) -> None:
    tree = MemoryTree(SOURCE, {})
    entries = select(tree, DEFAULT_PATHS)
    just = SourceLimits(**{limit: used})
    known = {file.path: file for file in load_tree(tree, entries, CONTRACT, {}, just).files}
    load_tree(tree, entries, CONTRACT, known, just)
    for cached in ({}, {PATH: known[PATH]}, known):
        less = replace(just, **{limit: used - 1 - (limit == "documents" and bool(cached))})
        with pytest.raises(SourceUnreadable, match=f"more than .* {limit}: split the source") as raised:
            load_tree(tree, entries, CONTRACT, cached, less)
        assert raised.value.cause is SourceCause.TOO_LARGE


@pytest.mark.parametrize("fleet", [default_fleet(), fleet_of(50)], ids=["of the sandbox", "of the measurements"])
def test_ten_thousand_chatbots_are_within_the_limits(fleet: Fleet) -> None:
    documents = [document_of(chatbot) for chatbot in fleet]
    tree = MemoryTree({f"chatbots/{number}.json": json.dumps(each) for number, each in enumerate(documents)}, {})
    files = load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, {}).files
    assert sum(len(file.documents) for file in files) == len(documents)
    each = 10_000 / len(documents)
    assert sum(file.values for file in files) * each < SOURCE_LIMITS.values
    assert sum(file.characters for file in files) * each < SOURCE_LIMITS.characters


def test_a_text_that_aliases_repeat_counts_each_time() -> None:
    skills = "\n".join(f"    - {{name: s{number}, body: *long}}" for number in range(50))
    file = parse(f"{HEAD}spec:\n  core: {{name: &long {'x' * 1_000}}}\n  skills:\n{skills}\n")
    assert file.characters > 51_000


@pytest.mark.parametrize(
    ("includes", "size", "fault"),
    [(1_001, 1, "the file includes more than 1000 files"), (17, 1_000_000, "files of more than 16777216 bytes")],
)
def test_a_file_that_includes_too_much_is_refused_with_what_else_is_wrong(includes: int, size: int, fault: str) -> None:
    names = [f"t{number}.md" for number in range(includes)]
    listed = ", ".join(f"{{$file: ../{name}}}" for name in names)
    document = f"{HEAD}spec: {{core: {{name: A, name: B, l: [{listed}]}}}}\n"
    tree = MemoryTree({PATH: document, **dict.fromkeys(names, "x" * size), "chatbots/b.yaml": HEAD + "spec: {}\n"}, {})
    files = load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, {}).files
    messages = [diagnostic.message for diagnostic in files[0].diagnostics]
    assert fault in messages[0]
    assert "stands twice" in messages[1]
    assert [len(file.documents) for file in files] == [0, 1]


def test_a_key_is_told_however_much_else_is_wrong_before_it() -> None:
    wrong = "".join(f"  k{number}: 1\n" for number in range(50))
    file = parse(f"{HEAD}spec:\n{wrong}  core: {{name: '{KEY}'}}\n")
    assert len(file.diagnostics) == LIMITS.findings
    assert [item.line for item in file.diagnostics if "this looks like" in item.message] == [54]


def test_a_key_in_a_comment_is_told_however_many_stand_before_it() -> None:
    many = "".join(f"  k{number}: '{KEY}'\n" for number in range(30))
    file = parse(f"{HEAD}spec:\n{many}---\n{HEAD}spec: {{}}\n# {KEY}\n")
    assert (len(file.documents), len(file.refusals)) == (0, 2)
    assert file.diagnostics[-1].line == 38


def test_what_follows_a_refusal_counts_as_values() -> None:
    file = parse(f"? [a]\n: b\nk: [{'a,' * LIMITS.nodes}]\n")
    assert "holds more than" in file.diagnostics[-1].message
    assert file.values > LIMITS.nodes


def test_a_long_path_is_refused() -> None:
    path = f"chatbots/{'d/' * 250}a.yaml"
    tree = MemoryTree({path: HEAD + "spec: {}\n"}, {})
    (file,) = load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, {}).files
    assert file.diagnostics[0].message == "the file's path is longer than 500 characters: shorten it"


def test_files_of_many_batches_come_in_their_order() -> None:
    filling = "#" * (BATCH_BYTES // 2)
    files = {f"chatbots/{number}.yaml": f"{PROMPT % '../top.md'}{filling}" for number in range(5)}
    tree = MemoryTree({**files, "top.md": "Hello"}, {})
    loaded = load_tree(tree, select(tree, DEFAULT_PATHS), CONTRACT, {})
    assert [file.path for file in loaded.files] == sorted(files)
    assert [file.documents[0].spec["core"]["prompt"] for file in loaded.files] == ["Hello"] * 5
