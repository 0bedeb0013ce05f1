"""However many texts a rendering compares, it takes one effort for all of them, and leaves nothing out."""

from collections.abc import Callable
from random import Random

import pytest

from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.alignment import Effort
from reconciler.render.model import FleetPlan, PlanView
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_summary import sentence
from reconciler.render.plan_text import plan_text
from reconciler.render.text_diff import EFFORT, TOO_MUCH, PieceKind, compare
from reconciler.web.plans.ops_view import OpsForm, op_views

Render = Callable[[FleetPlan, Effort], str]
RENDERINGS: dict[str, Render] = {
    "text": lambda fleet, effort: plan_text(fleet, effort=effort),
    "markdown": fleet_markdown,
}
EDITED = "A customer may return what they bought within fourteen days."


def _repetitive(seed: int) -> str:
    """A text without any line or word that stands alone, so that nothing anchors its comparison."""
    random = Random(seed)
    return "".join(" ".join(random.choices("ab", k=20)) + "\n" for _ in range(200))


def _update(name: str, before: str, after: str) -> DirectedOp:
    op = Op("skills", Action.UPDATE, name, {"body": before}, {"body": after}, ("body",))
    return DirectedOp(op, Direction.GIT_AHEAD, {"body": Direction.GIT_AHEAD})


def _fleet(*ops: DirectedOp) -> FleetPlan:
    view = PlanView(
        chatbot_id="bot_1", name="Bot", tenant="acme", path="chatbots/bot.yaml", ops=ops, noops=0, prune=True,
        fingerprint="fp",
    )  # fmt: skip
    return FleetPlan(plans=(view,))


REPETITIVE = [_update(f"s{number}", _repetitive(number), _repetitive(100 + number)) for number in range(1, 31)]
SMALL = _update("returns", EDITED, EDITED.replace("fourteen", "thirty"))


@pytest.fixture(params=sorted(RENDERINGS))
def render(request: pytest.FixtureRequest) -> Render:
    return RENDERINGS[request.param]


def _lines(text: str) -> set[str]:
    return {line.strip("-+{}[] ") for line in text.splitlines()}


def test_all_texts_of_a_rendering_share_one_effort(render: Render) -> None:
    steps: list[None] = []
    effort = Effort(EFFORT, checkpoint=lambda: steps.append(None))
    alone = Effort(EFFORT)
    compare(_repetitive(1), _repetitive(101), effort=alone)
    assert 30 * (EFFORT - alone.left) > 2 * EFFORT, "together they would take more than there is"
    rendered = render(_fleet(*REPETITIVE), effort)
    assert effort.left >= 0
    assert steps
    assert TOO_MUCH in rendered


def test_what_is_not_compared_by_words_is_shown_whole(render: Render) -> None:
    rendered = render(_fleet(*REPETITIVE), Effort(0))
    assert rendered.count(TOO_MUCH) == len(REPETITIVE)
    shown = rendered.replace("-][+", "\n").replace("-]{+", "\n")
    for directed in REPETITIVE:
        for side in (directed.op.before, directed.op.after):
            assert side is not None
            assert _lines(side["body"]) <= _lines(shown)


def test_what_one_text_leaves_over_the_next_ones_have(render: Render) -> None:
    assert TOO_MUCH not in render(_fleet(*[SMALL] * 200), Effort(40_000))


def test_texts_that_take_too_much_leave_a_share_to_the_others(render: Render) -> None:
    rendered = render(_fleet(*REPETITIVE, SMALL), Effort(EFFORT))
    assert (
        "[-fourteen-]{+thirty+}" in rendered
        or "+     A customer may return what they bought within thirty days." in rendered
    )
    assert rendered.count(TOO_MUCH) <= len(REPETITIVE)


def test_a_rendering_ends_at_its_next_step_when_nobody_wants_it(render: Render) -> None:
    class _NobodyListens(Exception):
        pass

    steps: list[None] = []

    def checkpoint() -> None:
        steps.append(None)
        if len(steps) == 5:
            raise _NobodyListens

    with pytest.raises(_NobodyListens):
        render(_fleet(*REPETITIVE), Effort(EFFORT, checkpoint=checkpoint))
    assert len(steps) == 5


@pytest.mark.parametrize("view", OpsForm)
def test_a_page_compares_with_the_effort_that_it_is_given(view: OpsForm) -> None:
    effort = Effort(EFFORT)
    *views, small = op_views([*REPETITIVE, SMALL], view=view, effort=effort)
    assert effort.left >= 0
    assert any(text.change.by_lines for each in views for text in each.texts)
    assert all(text.change.by_lines for each in op_views(REPETITIVE, effort=Effort(0)) for text in each.texts)
    assert not small.texts[0].change.by_lines


def test_a_sentence_takes_a_part_of_the_effort_of_its_page() -> None:
    effort = Effort(EFFORT)
    before, after = " ".join(_repetitive(1).split()), " ".join(_repetitive(2).split())
    said = [sentence([_update("s", before, after)], effort) for _ in range(100)]
    assert effort.left >= 0
    assert {"".join(part.text for part in each) for each in said} == {"Changes the body of the skill s."}


def test_a_share_is_even_and_what_is_spent_of_it_is_spent_of_the_whole() -> None:
    whole = Effort(100)
    shares = whole.shares(4)
    first = next(shares)
    assert first.left == 25
    assert first.spend(10)
    assert not first.spend(16)
    assert (first.was_refused, whole.left) == (True, 90)
    assert next(shares).left == 30
    assert whole.at_most(1000).left == 90


def test_a_share_has_no_more_than_the_whole_has_left() -> None:
    whole = Effort(10)
    share = whole.at_most(10)
    assert whole.spend(5)
    assert not share.spend(6)
    assert share.was_refused


def test_a_comparison_tells_whether_its_effort_sufficed() -> None:
    enough, little = Effort(EFFORT), Effort(10)
    before, after = "\n".join("abcab"), "\n".join("bacba")
    compare(before, after, effort=enough)
    lines = compare(before, after, effort=little)
    assert (enough.was_refused, little.was_refused) == (False, True)
    assert {piece.kind for line in lines for piece in line} <= {PieceKind.REMOVED, PieceKind.ADDED}
