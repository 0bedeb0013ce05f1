import stat
from pathlib import Path

import pytest

from reconciler.cli.files import CannotWrite, WrittenFiles, write_files

FILES = {"a.yaml": "a: 1\n", "prompts/x/y.md": "Größe\nno line end"}


def test_files_are_written_as_they_are(tmp_path: Path) -> None:
    assert write_files(tmp_path / "new", FILES, force=False) == WrittenFiles(2, 0)
    assert (tmp_path / "new/prompts/x/y.md").read_bytes() == "Größe\nno line end".encode()
    assert stat.S_IMODE((tmp_path / "new/a.yaml").stat().st_mode) & 0o600 == 0o600
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.yaml", "prompts"]


def test_the_same_content_again_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, FILES, force=False)
    assert write_files(tmp_path, FILES, force=False) == WrittenFiles(0, 2)


def test_other_content_is_never_overwritten_without_force_and_then_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "prompts/x").mkdir(parents=True)
    (tmp_path / "prompts/x/y.md").write_text("mine")
    with pytest.raises(CannotWrite, match=r"y\.md would be overwritten: give --force"):
        write_files(tmp_path, FILES, force=False)
    assert not (tmp_path / "a.yaml").exists()
    assert write_files(tmp_path, FILES, force=True) == WrittenFiles(2, 0)


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot be written: Not a directory"):
        write_files(tmp_path / "file", FILES, force=True)
