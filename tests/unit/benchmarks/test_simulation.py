"""The simulation of large fleets: the same each time, and worse where it has to be."""

from dataclasses import replace

from benchmarks.simulation import Parameters, Simulation, table

SMALL = Parameters(chatbots=500, tenants=1, calls_per_minute=60, seconds=3_600)


def test_it_gives_the_same_each_time() -> None:
    assert Simulation(SMALL).run() == Simulation(SMALL).run()


def test_a_fleet_within_its_limits_breaks_nothing() -> None:
    outcome = Simulation(SMALL).run()
    assert outcome.breaks() == []
    assert outcome.drift_p99_s < SMALL.tick_s + 60


def test_a_limit_that_is_too_low_is_named() -> None:
    outcome = Simulation(replace(SMALL, sweep_s=300)).run()
    assert any("rate limit" in found for found in outcome.breaks())
    assert any("full sweep" in found for found in outcome.breaks())


def test_pushes_wait_for_no_sweep() -> None:
    busy = Simulation(replace(SMALL, sweep_s=300, commits=1)).run()
    assert busy.push_p99_s < busy.drift_p99_s


def test_too_little_cpu_is_named() -> None:
    outcome = Simulation(replace(SMALL, calls_per_minute=6_000, sweep_s=300, call_ms=1_000)).run()
    assert any("replicas" in found for found in outcome.breaks())


def test_every_scenario_is_a_row() -> None:
    assert table([SMALL]).splitlines()[2].startswith("| 500 | 1 | 1 | 60 |")
