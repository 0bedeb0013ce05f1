"""Writes YAML that YAML 1.1 and 1.2 parsers read alike: ambiguous scalars are quoted."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

_WIDTH = 2**31 - 1  # never fold a line: a folded scalar is hard to review
_CORE_NON_STRING = re.compile(
    r"""~ | null | true | false
      | [-+]? [0-9]+
      | 0o [0-7]+ | 0x [0-9a-f]+ | 0b [01_]+
      | [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( e [-+]? [0-9]+ )?
      | [-+]? \. inf | \. nan
      | [-+]? [0-9] [0-9_,:.]*""",
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(
    "[ -~\u00a1-\u02ff\u0370-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u2bff"
    "\u3001-\ud7ff\ufe0f\U0001f000-\U0001faff]*"
)
"""Characters that may stand unquoted or between single quotes: no control, no blank but the space, no mark."""


class _Dumper(yaml.SafeDumper):
    """Writes strings so that no reader takes them for anything else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        """Write a value that occurs twice, twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        """Indent the items of a list below its key."""
        super().increase_indent(flow, False)  # noqa: FBT003 - the library takes it by position


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if not _PLAIN.fullmatch(text):
        style = '"'
    elif _CORE_NON_STRING.fullmatch(text):
        style = "'"
    else:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


class _ProseDumper(_Dumper):
    """Writes texts of several lines as they are read, where each of their characters can be seen."""


def _prose(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and all(map(_PLAIN.fullmatch, text.split("\n"))):
        # the library itself takes quotes where the ends of lines would not be seen
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    return _string(dumper, text)


_ProseDumper.add_representer(str, _prose)


def yaml_text(value: Mapping[str, Any], *, prose: bool = False) -> str:
    """A mapping as a YAML document, in its own order.

    Args:
        value: JSON values only, finite numbers, strings without lone surrogates.
        prose: Whether people are to read it: texts of several lines are written in several lines.

    Returns:
        Text that ends with a line end.
    """
    dumper = _ProseDumper if prose else _Dumper
    return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False)


def document_text(document: Mapping[str, Any], *, schema: str) -> str:
    """A document as the text of its file.

    Args:
        document: What it says.
        schema: What the comment names as its schema, for editors.
    """
    return f"# yaml-language-server: $schema={schema}\n{yaml_text(document)}"
