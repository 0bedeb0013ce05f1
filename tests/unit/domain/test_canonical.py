import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.canonical import canonical_bytes, digest
from tests.support.json_values import json_objects, json_values


@given(json_values())
def test_canonical_form_reads_back_as_the_same_value(value: object) -> None:
    assert json.loads(canonical_bytes(value)) == value


@given(json_objects())
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical_bytes(dict(reversed(value.items()))) == canonical_bytes(value)


@given(json_values(), json_values())
def test_equal_digests_mean_equal_bytes(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (canonical_bytes(one) == canonical_bytes(other))


def test_it_is_compact_utf_8_with_sorted_keys() -> None:
    assert canonical_bytes({"b": "é", "a": [1, None, True]}) == '{"a":[1,null,true],"b":"é"}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {1, 2}, object(), b"x"])
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_bytes({"x": value})


@given(st.sampled_from(["\ud800", "a\udfff"]))
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical_bytes(text)
