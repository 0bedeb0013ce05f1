"""Writes the tables of ``docs/settings.md`` from the settings' own descriptions, or checks that they agree."""

import argparse
import sys
from pathlib import Path

from reconciler.settings.reference import as_markdown

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
BEGIN = "<!-- written by scripts/settings_reference.py: begin -->\n"
END = "<!-- end -->\n"


def expected(page: str) -> str:
    """The page with the tables as the code has them."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{as_markdown()}\n{END}{after}"


def main() -> int:
    """Write the page, or tell whether it is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="fail when the page differs")
    mode.add_argument("--write", action="store_true", help="bring the page up to date")
    page = PAGE.read_text(encoding="utf-8")
    wanted = expected(page)
    if parser.parse_args().write:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if page != wanted:
        print(f"docs/{PAGE.name} is out of date: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
