from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from reconciler.domain.access import Role
from tests.browser import chromium
from tests.browser.fleet import BOTS, DELETING, ROLES, House, Waiting, busy_house, full_house
from tests.browser.pages import Shown
from tests.browser.watch import Watch
from tests.support.machine import CHROMIUM

expect.set_options(timeout=60_000)  # a page may have to wait for a busy machine

Look = Callable[..., Page]
"""Opens a page: `look(house, path, role or person, **options of the browser context)`."""
Show = Callable[..., Page]
"""Opens a page of the table, as who is to see it: `show(house, shown, **options of the browser context)`."""


@pytest.fixture(scope="session")
def base_url() -> None:
    """Each test names its service; the plugin's own fixture warns of pytest 10."""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return chromium.options(CHROMIUM.here())


@pytest.fixture(scope="session")
def full(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:  # noqa: ARG001  no browser, no house
    """A service with something of everything; tests leave it as it is."""
    with full_house(tmp_path_factory.mktemp("full")) as house:
        yield house


@pytest.fixture(scope="session")
def answering(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:  # noqa: ARG001  no browser, no house
    """Another one like it, which the forms of `answers` change."""
    with full_house(tmp_path_factory.mktemp("answering")) as house:
        yield house


@pytest.fixture(scope="session")
def _busy_house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:  # noqa: ARG001  no browser, no house
    with busy_house(tmp_path_factory.mktemp("busy")) as house:
        yield house


@pytest.fixture(scope="session")
def _busy(_busy_house: House) -> Iterator[Waiting]:
    return (Waiting(_busy_house, key, _busy_house.plan_of(key)) for key in BOTS)


def _next(waiting: Iterator[Waiting]) -> Waiting:
    found = next(waiting, None)
    assert found is not None, "more plans are wanted than there are: add to BOTS"
    return found


@pytest.fixture
def waiting(_busy: Iterator[Waiting]) -> Waiting:
    """A plan that the test may decide on."""
    return _next(_busy)


@pytest.fixture
def another(_busy: Iterator[Waiting]) -> Waiting:
    """One more."""
    return _next(_busy)


@pytest.fixture(scope="session")
def deleting(_busy_house: House) -> Waiting:
    """A plan that deletes, for the one test that closes it."""
    return Waiting(_busy_house, DELETING, _busy_house.plan_of(DELETING))


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test that made a page misbehave."""
    watch = Watch()
    yield watch
    assert watch.found() == []


@pytest.fixture(scope="session")
def _sessions() -> dict[tuple[str, str], Any]:
    return {}


def sign_in(page: Page, house: House, person: str) -> None:
    """Through the form, as people do."""
    page.goto(f"{house.url}/login")
    page.get_by_label("Token").fill(house.secrets[person])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{house.url}/")


@pytest.fixture
def look(
    browser: Browser,
    new_context: Callable[..., BrowserContext],
    watch: Watch,
    _sessions: dict[tuple[str, str], Any],
) -> Look:
    """Opens a page as somebody who has signed in through the form before."""

    def session(house: House, person: str) -> Any:
        key = (house.url, person)
        if key not in _sessions:
            with browser.new_context() as context:
                sign_in(watch.over(context).new_page(), house, person)
                _sessions[key] = context.storage_state()
        return _sessions[key]

    def opened(house: House, path: str, who: Role | str | None = None, **options: Any) -> Page:
        if who is not None:
            person = ROLES[who] if isinstance(who, Role) else who
            options["storage_state"] = session(house, person)
        page = watch.over(new_context(base_url=house.url, **options)).new_page()
        answer = page.goto(path)
        assert answer is not None
        assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, "\n".join(house.service.lines[-3:])
        return page

    return opened


@pytest.fixture
def show(look: Look, watch: Watch) -> Show:
    """Opens a page of the table; where it is what a form answers, by sending that."""

    def shown_page(house: House, shown: Shown, **options: Any) -> Page:
        if shown.refused:
            watch.expect("status of 4(0[1349]|22)")
        page = look(house, shown.at(house.ids), shown.role, **options)
        if shown.send is not None:
            with page.expect_response(_answers_a_form) as answer:
                shown.send(page, house.ids)
            assert answer.value.ok is not shown.refused, answer.value.status
            page.wait_for_load_state()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        return page

    return shown_page


def _answers_a_form(answer: Response) -> bool:
    return answer.request.method == "POST"
