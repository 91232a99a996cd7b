"""Who may use the site: the token, the login, other sites' pages, other names, guessers (ETSI EN 303 645 5.1-5)."""

from __future__ import annotations

import asyncio

import pytest

from firmware.web.access import COOKIE, LARGEST_FORM, TRIES, WAIT_S
from tests.support.desk_phone import DeskPhone
from tests.support.site import Client, Clock, Door, visit

TOKEN = 'open ŝesame; "quoted"'
PHONE = "/api/v1/phone"


async def status(client: Client, path: str = PHONE, method: str = "GET", **options: object) -> int:
    async with client.request(method, path, allow_redirects=False, **options) as answer:  # type: ignore[arg-type]
        if answer.status in (401, 403, 429) and answer.content_type == "application/json":
            assert (await answer.json())["error"]
        return answer.status


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_with_a_token_every_path_wants_it() -> None:
    async def test(client: Client) -> None:
        for path in (PHONE, "/metrics", "/api/v1/events", "/api/v1/calls", "/nothing", "/"):
            assert await status(client, path) == 401
            assert await status(client, path, headers=bearer("wrong")) == 401
        for verb in ("answer", "digits"):
            assert await status(client, f"/api/v1/calls/in1/{verb}", "POST") == 401

    visit(Door(DeskPhone()), test, token="sesame", clock=Clock())


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_token_lets_in(scheme: str) -> None:
    async def test(client: Client) -> None:
        assert await status(client, headers={"Authorization": f"{scheme} sesame"}) == 200
        assert await status(client, headers={"Authorization": "Basic sesame"}) == 401

    visit(Door(DeskPhone()), test, token="sesame")


def test_a_refusal_says_how_to_authenticate() -> None:
    """RFC 6750 §3."""

    async def test(client: Client) -> None:
        async with client.get(PHONE) as answer:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")

    visit(Door(DeskPhone()), test, token="sesame")


def test_a_browser_is_asked_for_the_token_once() -> None:
    async def test(client: Client) -> None:
        async with client.get("/", headers={"Accept": "text/html"}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/login")
        async with client.get("/login") as page:
            assert 'name="token"' in await page.text()
        assert await status(client, "/login", "POST", data={"token": "wrong"}) == 401
        async with client.post("/login", data={"token": TOKEN}, allow_redirects=False) as answer:
            assert answer.status == 303
            cookie = answer.cookies[COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert "sesame" not in cookie.value
        assert await status(client) == 200

    visit(Door(DeskPhone()), test, token=TOKEN)


def test_a_cookie_that_was_made_up_lets_nobody_in() -> None:
    async def test(client: Client) -> None:
        for value in ("sesame", "", "0" * 64):
            assert await status(client, headers={"Cookie": f"{COOKIE}={value}"}) == 401

    visit(Door(DeskPhone()), test, token="sesame")


@pytest.mark.parametrize(
    "form",
    [
        {"data": b"token=" + b"x" * LARGEST_FORM},
        {
            "data": b"\xff\xfe=%ff&&&",
            "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=nonesuch"},
        },
        {"data": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"json": {"token": "sesame"}},
    ],
)
def test_a_strange_form_is_no_login(form: dict[str, object]) -> None:
    async def test(client: Client) -> None:
        assert await status(client, "/login", "POST", **form) in (401, 413)

    visit(Door(DeskPhone()), test, token="sesame")


def test_guessing_is_slow_and_stops_even_the_right_token() -> None:
    clock = Clock()

    async def test(client: Client) -> None:
        for n in range(TRIES):
            assert await status(client, headers=bearer(f"guess{n}")) == 401
        assert await status(client, headers=bearer("guess")) == 429
        assert await status(client, headers=bearer("sesame")) == 429
        assert await status(client, "/login", "POST", data={"token": "sesame"}) == 429
        clock.now += WAIT_S + 1
        assert await status(client, headers=bearer("sesame")) == 200

    visit(Door(DeskPhone()), test, token="sesame", clock=clock)


def test_no_token_at_all_is_not_a_guess() -> None:
    """A page that has not been logged in yet polls; that bars nobody."""

    async def test(client: Client) -> None:
        for _ in range(3 * TRIES):
            assert await status(client) == 401
        assert await status(client, headers=bearer("sesame")) == 200

    visit(Door(DeskPhone()), test, token="sesame")


def test_the_login_counts_guesses_too() -> None:
    async def test(client: Client) -> None:
        for n in range(TRIES):
            assert await status(client, "/login", "POST", data={"token": f"guess{n}"}) == 401
        assert await status(client, headers=bearer("sesame")) == 429

    visit(Door(DeskPhone()), test, token="sesame")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://[", "evil", "", "http://127.0.0.1.evil.example"]
)  # fmt: skip
@pytest.mark.parametrize("token", ["", "sesame"])
def test_another_sites_page_may_do_nothing(origin: str, token: str) -> None:
    """Cross-site request forgery: RFC 6454 §7."""
    desk = DeskPhone()

    async def test(client: Client) -> None:
        headers = {"Origin": origin, **bearer("sesame")}
        assert await status(client, headers=headers) == 403
        assert await status(client, "/api/v1/calls", "POST", headers=headers, json={"to": "1002"}) == 403

    visit(Door(desk), test, token=token)
    assert desk.view.calls == ()


def test_our_own_page_may() -> None:
    async def test(client: Client) -> None:
        own = str(client.make_url("/").origin())
        assert await status(client, headers={"Origin": own}) == 200
        assert await status(client, "/api/v1/calls", "POST", headers={"Origin": own}, json={"to": "1002"}) == 201

    visit(Door(DeskPhone()), test)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "192.0.2.1", "127.0.0.1.evil.example", "[::1", "[", "a b", ""]
)
def test_without_a_token_only_names_of_this_machine_are_answered(host: str) -> None:
    """DNS rebinding: a page of evil.example, whose name now leads to 127.0.0.1, is of the same origin."""

    async def test(client: Client) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(f"GET {PHONE} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert answer.split(b" ", 2)[1] in (b"400", b"403")
        assert b"Hall" not in answer

    visit(Door(DeskPhone()), test)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:99", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:8080", "phone.localhost"]
)
def test_without_a_token_this_machine_is_answered_by_any_of_its_names(host: str) -> None:
    async def test(client: Client) -> None:
        assert await status(client, headers={"Host": host}) == 200

    visit(Door(DeskPhone()), test)


def test_with_a_token_any_name_is_answered() -> None:
    async def test(client: Client) -> None:
        assert await status(client, headers={"Host": "phone.example", **bearer("sesame")}) == 200

    visit(Door(DeskPhone()), test, token="sesame")


def test_no_page_may_frame_the_phone() -> None:
    """Clickjacking of the keys."""

    async def test(client: Client) -> None:
        for path in (PHONE, "/nothing", "/login"):
            async with client.get(path) as answer:
                assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"

    visit(Door(DeskPhone()), test)
