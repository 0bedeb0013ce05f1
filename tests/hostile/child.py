"""Loads cases in a process of its own, within limits, and prints what came of each as a line of JSON.

``python -m tests.hostile.child URL FOLDER FILE``, with ``[[name, commit, [secret, …]], …]`` in the file. Everything
goes the real way: a real remote, the mirror, the loader, the parse cache's form, and the text that `validate` prints.
"""

import asyncio
import faulthandler
import json
import re
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from reconciler.domain.document import Snapshot
from reconciler.errors import SourceUnreadable
from reconciler.render.diagnostics_text import findings_text
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from tests.fakes.cache import MemoryParseCache
from tests.hostile.repository import EVERYTHING
from tests.support.contract import CONTRACT

HANGS_AFTER_S: Final = 180
ADDRESS_SPACE: Final = 2 * 1024**3


async def main(url: str, folder: str, work: list[tuple[str, str, list[str]]]) -> None:
    """Load one case after the other through one mirror."""
    source = GitSource(GitRemote.parse(url, EVERYTHING, insecure=True), Path(folder), CONTRACT)
    await source.descends(await source.head(), "0" * 40)
    for name, commit, secrets in work:
        faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
        sys.stdout.write(json.dumps({"name": name, **await _load(source, commit, secrets)}) + "\n")
        sys.stdout.flush()
    faulthandler.cancel_dump_traceback_later()


async def _load(source: GitSource, commit: str, secrets: list[str]) -> dict[str, Any]:
    cache = MemoryParseCache()
    cpu = _cpu()
    cause, snapshot = None, Snapshot(commit, (), (), (), 0, 0)
    try:
        snapshot = await source.load(commit, cache)
    except SourceUnreadable as error:
        cause = error.cause.value
    figures = {"seconds": _cpu() - cpu, "peak_kib": _peak(), "cause": cause}
    return {**figures, **_said(snapshot), "leaked": _leaked(cache, snapshot, secrets)}


def _said(snapshot: Snapshot) -> dict[str, Any]:
    errors = [item for item in snapshot.diagnostics if item.severity == "error"]
    return {
        "documents": [document.chatbot_id for document in snapshot.documents],
        "errors": [[item.path, item.line, item.column, item.pointer, item.message] for item in errors],
        "refusals": len(snapshot.refusals),
    }


def _leaked(cache: MemoryParseCache, snapshot: Snapshot, secrets: list[str]) -> list[str]:
    if not secrets:
        return []
    kept = json.dumps([cache.rows, asdict(snapshot)], default=str)
    everything = kept + findings_text(snapshot.diagnostics)
    return [secret for secret in secrets if secret in everything or secret[:20] in everything]


def _cpu() -> float:
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def _peak() -> int:
    # not our own ru_maxrss, which begins with what the parent of this process held
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    git = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(found[1]) if found else 0, git)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text())))
