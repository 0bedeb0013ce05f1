import subprocess
import sys

from reconciler.settings.model import CLIENT_VARIABLES, CONFIG, SHORT_FORM
from reconciler.settings.reference import setting_tables
from tests.docs.pages import ROOT, page

PAGE = page("settings.md")


def test_the_tables_are_what_the_code_says() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/settings_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert checked.returncode == 0, checked.stderr


def test_every_setting_is_described() -> None:
    rows = [row for table in setting_tables() for row in table.rows]

    assert rows
    assert [row.name for row in rows if not row.help or f"`{row.name}`" not in PAGE] == []


def test_the_variables_of_the_smallest_installation_are_described() -> None:
    assert [name for name in {*SHORT_FORM, *CLIENT_VARIABLES, CONFIG} if f"`{name}`" not in PAGE] == []
