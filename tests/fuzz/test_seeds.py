"""The fuzzer's targets hold for what it begins with, and object to a reader that breaks its promises."""

import pytest

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS


def test_every_target_has_seeds() -> None:
    assert SEEDS.keys() == TARGETS.keys()


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name, seeds in SEEDS.items() for seed in seeds])
def test_a_target_holds_for_what_the_fuzzer_begins_with(name: str, seed: bytes) -> None:
    TARGETS[name].run(seed)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 5000, b'{"a":' * 2000])
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_holds_for_what_is_nothing(name: str, data: bytes) -> None:
    TARGETS[name].run(data)
