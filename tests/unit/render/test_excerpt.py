from reconciler.render.excerpt import AROUND, LONGEST, excerpt, lines_of

KEY = "wpk_live_9f8e7d6c5b4a39281706"
PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    + "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"] * 6)
    + "\n-----END PRIVATE KEY-----"
)


def test_the_lines_around_a_place_are_shown_and_its_own_is_marked() -> None:
    shown = excerpt([f"line {number}" for number in range(1, 10)], 5)

    assert [(each.number, each.text) for each in shown] == [(n, f"line {n}") for n in range(5 - AROUND, 6 + AROUND)]
    assert [each.number for each in shown if each.is_marked] == [5]


def test_there_is_nothing_around_a_place_that_is_not_there() -> None:
    assert [excerpt(["one", "two"], line) for line in (0, -1, 3)] == [(), (), ()]
    assert [each.number for each in excerpt(["one", "two"], 1)] == [1, 2]
    assert [each.number for each in excerpt(["one", "two"], 2)] == [1, 2]


def test_what_follows_the_last_line_end_is_shown_to_whoever_points_at_it() -> None:
    lines = lines_of("one\ntwo\n")

    assert [each.number for each in excerpt(lines, 2)] == [1, 2]
    assert [each.number for each in excerpt(lines, 3)] == [1, 2, 3]


def test_line_ends_of_every_system_count_as_one() -> None:
    assert lines_of("a\r\nb\nc") == ("a", "b", "c")


def test_no_key_is_shown_and_every_line_keeps_its_number() -> None:
    lines = lines_of(f"first\nkey: {KEY}\n{PEM}\nlast {KEY} end")

    assert not any(KEY in line or "MIIE" in line for line in lines)
    assert lines[0] == "first"
    assert lines[1] == "key: [a WizChat API key]"
    assert lines.index("last [a WizChat API key] end") == 2 + PEM.count("\n") + 1


def test_a_long_line_is_cut_around_the_column() -> None:
    line = "a" * 5000 + "HERE" + "b" * 5000
    (shown,) = excerpt([line], 1, 5001)

    assert "HERE" in shown.text
    assert len(shown.text) == LONGEST + 2
    assert (shown.text[0], shown.text[-1]) == ("…", "…")
    assert len(excerpt([line], 1, 10**9)[0].text) <= LONGEST + 2
    assert excerpt(["x" * LONGEST], 1, 3)[0].text == "x" * LONGEST
