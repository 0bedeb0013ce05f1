"""`make mutants`: the sample is repeatable and fits, and what is known to change nothing counts neither way."""

import random

from scripts.mutants import ROOT, Mutant, choose, known_equivalents, unplantable

ALL = [Mutant(f"reconciler.domain.policy.x_{n}__mutmut_1", seconds=n % 7) for n in range(200)]


def test_a_seed_repeats_its_sample() -> None:
    samples = [choose(ALL, random.Random(seed), count=20, seconds=0, children=2) for seed in (7, 7, 8)]
    assert samples[0] == samples[1] != samples[2]
    assert len(set(samples[0])) == 20


def test_a_sample_fits_into_its_time() -> None:
    quarter = choose(ALL, random.Random(1), count=None, seconds=60, children=1)
    double = choose(ALL, random.Random(1), count=None, seconds=60, children=2)
    assert 0 < len(quarter) < len(double) < len(ALL)
    assert double[: len(quarter)] == quarter


def test_a_mutant_is_counted_under_its_package() -> None:
    assert ALL[0].package == "reconciler.domain"
    assert Mutant("api_client._wire.x_f__mutmut_1", 0).package == "api_client._wire"


def test_each_equivalent_names_a_line_of_today_and_a_reason() -> None:
    for known in known_equivalents():
        source = (ROOT / f"{known.module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert known.removed in {line.strip() for line in source.splitlines()}, known
        assert len(known.reason) > 20


def test_each_function_that_cannot_be_changed_is_there_and_has_a_reason() -> None:
    for known in unplantable():
        module, _, function = known.function.rpartition(".x_")
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert f"def {function}(" in source, known
        assert len(known.reason) > 20
