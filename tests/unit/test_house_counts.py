"""What `make check` counts is what it says: a field of the API that one would look for in many files is noticed."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

SCRIPT: Final = Path(__file__).parents[2] / "scripts" / "house_counts.py"

SCHEMAS: Final = """
class BotResponse:
    id: str
    mood: str
    age: int

    @classmethod
    def of_bot(cls, bot, **fields):
        return cls.of(bot, age=bot.age, **fields)


class SingleBotResponse(BotResponse):
    docs: list
"""


def counted(folder: Path, **modules: str) -> subprocess.CompletedProcess[str]:
    """The check of a house that has these modules in its web."""
    for name, source in {"schemas": SCHEMAS, **modules}.items():
        file = folder / "reconciler" / "web" / "bots" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    command = [sys.executable, str(SCRIPT), "--check", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_field_is_named_by_its_model_and_where_it_gets_its_value(tmp_path: Path) -> None:
    shown = counted(tmp_path, api="def bot(it): return BotResponse.of_bot(it, mood='good')")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "call",
    ["BotResponse(id='1', mood='bad')", "BotResponse.of_bot(it, mood='bad')", "SingleBotResponse.of(it, mood='bad')"],
)
def test_a_field_that_several_files_name_is_refused(tmp_path: Path, call: str) -> None:
    shown = counted(
        tmp_path,
        api="def bot(it): return BotResponse.of_bot(it, mood='good')",
        page=f"def bot(it): return {call}",
    )
    assert shown.returncode == 1
    assert shown.stdout == "a field of the API is named in more than 2 files\n"


def test_a_reason_that_has_to_be_added_to_several_files_is_refused(tmp_path: Path) -> None:
    status = tmp_path / "reconciler" / "domain" / "status.py"
    status.parent.mkdir(parents=True)
    status.write_text("EXPLANATIONS = {Reason.LATE: 'Wait.', Reason.LOST: 'Look.'}\n")
    assert not counted(tmp_path, giver="why = Reason.LATE", other="why = Reason.LATE").stdout
    shown = counted(tmp_path, colours="COLOURS = {Reason.LATE: 'red', Reason.LOST: 'blue'}")
    assert shown.stdout.startswith("a reason has to be added to more than 2 files: ")
    assert shown.returncode == 1


def test_names_that_say_nothing_are_refused_beyond_a_number(tmp_path: Path) -> None:
    functions = "".join(f"def f{number}(told):\n    return [known for known in told]\n" for number in range(60))
    assert not counted(tmp_path, engine=functions).stdout
    shown = counted(tmp_path, engine=f"{functions}def _seen(): ...\ngiven = 1")
    assert shown.returncode == 1
    assert shown.stdout == "more than 120 names such as 'told' do not say what they are of\n"
