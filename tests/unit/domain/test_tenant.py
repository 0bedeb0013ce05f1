"""What calls tell of their tenant, together."""

import pytest

from reconciler.domain.tenant import TenantSignal, TenantState, judge_tenant

OK = TenantSignal(TenantState.READY)
LATER = TenantSignal(None, "slow down")
REFUSED = TenantSignal(TenantState.UNAUTHORIZED, "put a valid key in api_key", is_certain=True)
NARROW = TenantSignal(TenantState.UNAUTHORIZED, "add the scope skills:read")
DOWN = TenantSignal(TenantState.UNREACHABLE, "check base_url and the network")
FOREIGN = TenantSignal(TenantState.MISCONFIGURED, "check base_url")


@pytest.mark.parametrize(
    ("listed", "compared", "others", "told"),
    [
        pytest.param(OK, [], False, OK, id="a list alone"),
        pytest.param(REFUSED, [], True, REFUSED, id="a refused key"),
        pytest.param(OK, [OK, REFUSED], True, REFUSED, id="a key that is refused meanwhile"),
        pytest.param(DOWN, [OK, DOWN], False, OK, id="only the list fails"),
        pytest.param(DOWN, [DOWN], True, DOWN, id="what answered before says nothing against a list that fails now"),
        pytest.param(FOREIGN, [], False, FOREIGN, id="another program answers"),
        pytest.param(OK, [NARROW, NARROW, LATER], False, NARROW, id="no chatbot may be read"),
        pytest.param(OK, [NARROW, OK], False, OK, id="one chatbot may not be read"),
        pytest.param(OK, [DOWN], True, OK, id="one chatbot fails, and others do not"),
        pytest.param(None, [DOWN], True, None, id="one chatbot fails, and nothing else is known"),
        pytest.param(None, [DOWN, DOWN, NARROW], False, DOWN, id="the most frequent cause"),
        pytest.param(LATER, [], False, None, id="a list that is put off"),
        pytest.param(None, [LATER], False, None, id="dry runs that are put off"),
        pytest.param(None, [], False, None, id="nothing was asked"),
    ],
)
def test_the_tenants_state_is_what_its_calls_tell_together(
    listed: TenantSignal | None,
    compared: list[TenantSignal],
    others: bool,  # noqa: FBT001  a parameter of the cases
    told: TenantSignal | None,
) -> None:
    assert judge_tenant(listed, compared, others_answered=others) == told
