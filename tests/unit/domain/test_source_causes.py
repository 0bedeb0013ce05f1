import pytest

from reconciler.domain.source_causes import explain_source
from reconciler.errors import SourceCause

READ = {
    SourceCause.HISTORY_REWRITTEN,
    SourceCause.PATHS_EMPTIED,
    SourceCause.DOCUMENTS_VANISHED,
    SourceCause.NOTHING_MATCHED,
}


@pytest.mark.parametrize("cause", [*SourceCause, None])
def test_only_what_was_not_read_is_said_not_to_be_readable(cause: SourceCause | None) -> None:
    explained = explain_source(cause)
    assert ("was read" in explained) == (cause in READ)
    assert ("cannot be read" in explained) == (
        cause not in READ | {SourceCause.NOT_CONFIGURED, SourceCause.NOT_READ_YET}
    )
    assert explained.endswith(".")
