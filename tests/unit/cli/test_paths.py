from pathlib import Path

import pytest

from reconciler.cli.paths import repository_of


@pytest.mark.parametrize("given", [[], ["bots"], ["bots/a.yaml"], ["nowhere/x.yaml"]])
def test_the_repository_around_is_the_root(tmp_path: Path, given: list[str]) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "bots").mkdir()
    (tmp_path / "bots/a.yaml").touch()
    assert repository_of([Path(path) for path in given], tmp_path) == tmp_path


def test_without_git_it_is_the_folder_that_holds_chatbots(tmp_path: Path) -> None:
    (tmp_path / "fleet/chatbots").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    assert repository_of([tmp_path / "fleet/chatbots"], tmp_path / "elsewhere") == tmp_path / "fleet"
    assert repository_of([tmp_path / "fleet"], tmp_path / "elsewhere") == tmp_path / "fleet"


def test_with_neither_it_is_the_current_folder_when_that_lies_around(tmp_path: Path) -> None:
    (tmp_path / "bots").mkdir()
    (tmp_path / "elsewhere").mkdir()
    assert repository_of([Path("bots")], tmp_path) == tmp_path
    assert repository_of([tmp_path / "bots"], tmp_path / "elsewhere") == tmp_path / "bots"
