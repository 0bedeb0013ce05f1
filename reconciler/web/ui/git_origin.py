"""The place of a document in git: path, revision, author of the last change, and links to the forge."""

from dataclasses import dataclass, replace
from typing import Self

from reconciler.domain.commit import CommitFact
from reconciler.domain.forge_urls import WebRepository
from reconciler.engine.context import Engine


@dataclass(frozen=True, slots=True)
class GitOrigin:
    """A document at a revision.

    Attributes:
        line: The line at which it begins, where that is known.
        commit: Which commit last changed it, where that is known.
        others: Who else wrote a commit that changed it since both sides last agreed, newest first.
        file_link: The file at its line; None for repositories without pages.
        commit_link: The commit that last changed it.
        revision_link: The revision itself.
    """

    path: str
    revision: str
    line: int | None = None
    commit: CommitFact | None = None
    others: tuple[str, ...] = ()
    file_link: str | None = None
    commit_link: str | None = None
    revision_link: str | None = None

    def linked(self, pages: WebRepository) -> Self:
        """The same with links to the repository's pages."""
        return replace(
            self,
            file_link=pages.file(self.path, self.revision, self.line),
            commit_link=pages.commit(self.commit.id) if self.commit else None,
            revision_link=pages.commit(self.revision),
        )

    def without_links(self) -> Self:
        """The same for somebody who is to be led nowhere else."""
        return replace(self, file_link=None, commit_link=None, revision_link=None)


async def git_origin_of(
    engine: Engine,
    source: str,
    path: str,
    revision: str,
    *,
    line: int | None = None,
    synced: str | None = None,
    with_authors: bool = True,
) -> GitOrigin:
    """The place of a document in git; of a source that is no longer configured, only path and revision.

    Args:
        engine: The ports.
        source: The source's name.
        path: The document's, relative to the repository's root.
        revision: The whole commit id.
        line: The line at which it begins.
        synced: The revision at which both sides last agreed, where that is known.
        with_authors: Whether it matters who last changed it.
    """
    origin = GitOrigin(path, revision, line)
    binding = engine.sources.get(source)
    if binding is None:
        return origin
    if with_authors:
        commit = await binding.port.last_change(path, revision)
        authors = await binding.port.authors(path, synced, revision) if commit and synced else ()
        others = tuple(author for author in authors if commit and author != commit.author)
        origin = replace(origin, commit=commit, others=others)
    pages = WebRepository.of(binding.forge, binding.url)
    return origin.linked(pages) if pages is not None else origin
