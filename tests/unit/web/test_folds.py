"""What lies in templates, looked at as text."""

import re
from pathlib import Path

import pytest

from reconciler import web

TEMPLATES = sorted(Path(web.__file__).parent.glob("*/templates/*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_a_fold_has_a_name_by_which_a_page_that_is_followed_keeps_it_open(template: Path) -> None:
    folds = re.findall(r"<details[^>]*", template.read_text(encoding="utf-8"))
    assert [fold for fold in folds if " id=" not in fold] == []
