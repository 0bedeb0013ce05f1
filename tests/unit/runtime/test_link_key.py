"""The key that signs links outlives the process, belongs to one user, and is never said."""

import logging
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from reconciler.errors import SettingsError
from reconciler.runtime.link_key import KEY_FILE, link_key
from reconciler.settings.input import load_settings
from reconciler.settings.sections import AuthSettings

UNSET = AuthSettings()


def test_a_key_of_the_settings_is_taken_and_nothing_is_kept(tmp_path: Path) -> None:
    assert link_key(AuthSettings(link_key=SecretStr("k" * 32)), tmp_path) == b"k" * 32
    assert list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "made" / "data"
    first = link_key(UNSET, data)

    assert len(first) >= 32
    assert link_key(UNSET, data) == first
    assert [each.name for each in data.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((data / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("held", [None, b"", b"short", b"\n" * 64])
def test_without_a_whole_key_in_the_file_there_is_another_one(tmp_path: Path, held: bytes | None) -> None:
    first = link_key(UNSET, tmp_path)
    if held is None:
        (tmp_path / KEY_FILE).unlink()
    else:
        (tmp_path / KEY_FILE).write_bytes(held)
    second = link_key(UNSET, tmp_path)

    assert second != first
    assert link_key(UNSET, tmp_path) == second


def test_where_nothing_can_be_kept_the_service_starts_with_a_key_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        keys = {link_key(UNSET, tmp_path / "file") for _ in range(2)}

    assert len(keys) == 2
    assert "link key not kept" in caplog.text


def test_a_short_key_is_refused_without_being_said() -> None:
    with pytest.raises(SettingsError, match="link_key: it needs at least 32 characters") as refused:
        load_settings({"RECONCILER_AUTH__LINK_KEY": "too short a key"})
    assert "too short a key" not in str(refused.value)


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("f" * 40 + "\n", encoding="utf-8")
    settings = load_settings({"RECONCILER_AUTH__LINK_KEY_FILE": str(tmp_path / "key")})

    assert link_key(settings.auth, tmp_path) == b"f" * 40
    assert "f" * 8 not in repr(settings)
