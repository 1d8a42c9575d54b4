"""Sessions of people: their cookie, how they end, and that no other site can use them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Response
from yarl import URL

from app.errors import ConfigurationError
from app.oidc_settings import OidcSettings, oidc_settings
from app.store.web_sessions import end_sessions_of
from tests.web.conftest import SECRET, Web
from tests.web.signing_in import Staff, staff
from tests.web.test_access import basic
from web.application import build
from web.call import Access
from web.keys import KeyHasher
from web.people import People
from web.render import TEMPLATES
from web.routes import RAW

OTHER = "https://evil.example"
BAD_ORIGINS = [OTHER, "null", "", None, "http://127.0.0.1", "file://", "http://[", "x"]


@pytest.fixture
async def desk(pool: Any) -> AsyncIterator[Staff]:
    async with staff(pool) as desk:
        desk.people.look_seconds = 0.05
        yield desk


@pytest.fixture
async def browser(desk: Staff) -> AsyncIterator[ClientSession]:
    """An operator's, signed in."""
    async with desk.browser() as browser:
        assert (await desk.sign_in(browser, "operator"))[0] == 303
        yield browser


async def code_of(response: ClientResponse) -> str:
    return str((await response.json(content_type=None))["code"])


async def is_in(desk: Staff, browser: ClientSession) -> bool:
    return (await desk.get(browser, "/mismatches"))[0] == 200


def cookie_of(desk: Staff, browser: ClientSession) -> str:
    return next(one.value for one in browser.cookie_jar if one.key == desk.people.cookie)


async def with_cookie(desk: Staff, value: str) -> int:
    async with ClientSession(headers={"Cookie": f"{desk.people.cookie}={value}"}) as session:
        return (await desk.get(session, "/mismatches"))[0]


class TestTheCookie:
    async def test_it_is_for_us_alone(self, desk: Staff) -> None:
        async with desk.browser() as browser:
            back = await desk.back(browser, await desk.to_provider(browser), "viewer")
            async with browser.get(back, allow_redirects=False) as response:
                said = [value for name, value in response.headers.items() if name == "Set-Cookie"]
        session = next(one for one in said if one.startswith("tallystick_session="))
        parts = {part.strip().lower() for part in session.split(";")}
        assert {"httponly", "samesite=lax", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)

    async def test_over_https_it_is_sent_over_nothing_else(self, pool: Any) -> None:
        settings = OidcSettings(issuer="https://id.example", client_id="tally")
        people = People(settings, pool, KeyHasher([SECRET]), "https://tally.example")
        response = Response()
        people.set_cookie(response, "x")
        found = response.cookies["__Host-tallystick"]
        assert (found["secure"], found["path"], found["domain"]) == (True, "/", "")

    async def test_people_do_not_sign_in_in_the_clear(self, pool: Any) -> None:
        settings = OidcSettings(issuer="https://id.example", client_id="tally")
        with pytest.raises(ConfigurationError, match="TALLYSTICK_PUBLIC_URL"):
            People(settings, pool, KeyHasher([SECRET]), "http://tally.example")

    async def test_one_that_was_changed_is_nobodys(self, desk: Staff, browser: ClientSession) -> None:
        good = cookie_of(desk, browser)
        assert await with_cookie(desk, good) == 200
        session_id, _, secret = good.partition(".")
        other = f"{session_id}.{'0' * 64}"
        unknown = f"{'0' * 12}.{secret}"
        for bad in (other, good[:-1], good + "0", unknown, session_id, ".", "", "x" * 5000, secret):
            assert await with_cookie(desk, bad) == 303, bad

    async def test_the_database_has_nothing_that_opens(self, desk: Staff, browser: ClientSession) -> None:
        token = cookie_of(desk, browser)
        row = dict(await desk.pool.fetchrow("SELECT * FROM sessions"))
        assert token not in str(row)
        assert token.partition(".")[2] not in str(row)
        assert await with_cookie(desk, f"{row['id']}.{row['token_hash'].hex()}") == 303

    async def test_another_installations_hash_does_not_fit(self, desk: Staff, browser: ClientSession) -> None:
        forged = KeyHasher(["another secret, as long as it has to be"]).hash(cookie_of(desk, browser))
        await desk.pool.execute("UPDATE sessions SET token_hash = $1", forged)
        assert not await is_in(desk, browser)


class TestTheirEnd:
    async def test_a_session_that_was_there_before_is_never_taken_over(self, desk: Staff) -> None:
        """Fixation: whoever puts a cookie into a browser has nothing after its person signed in."""
        async with desk.browser() as thief, desk.browser() as victim:
            assert (await desk.sign_in(thief, "viewer"))[0] == 303
            planted = cookie_of(desk, thief)
            victim.cookie_jar.update_cookies({desk.people.cookie: planted}, desk_url(desk))
            there = await desk.to_provider(victim)
            await desk.arrive(victim, await desk.back(victim, there, "admin"))
            assert cookie_of(desk, victim) != planted
            assert await is_in(desk, victim)
            assert await with_cookie(desk, planted) == 303
            assert not await is_in(desk, thief)
        ended = await desk.pool.fetch("SELECT role FROM sessions WHERE ended_because = 'signed_in_again'")
        assert [row["role"] for row in ended] == ["viewer"]

    async def test_signing_out_ends_it_everywhere(self, desk: Staff, browser: ClientSession) -> None:
        token = cookie_of(desk, browser)
        response = await desk.sign_out(browser)
        assert (response.status, response.headers["Location"]) == (303, "/login?out=1")
        assert await with_cookie(desk, token) == 303
        _, page = await desk.get(browser, "/login?out=1")
        assert f"{desk.provider.issuer}/logout?" in page

    async def test_revoking_takes_effect_with_the_next_request(
        self, desk: Staff, browser: ClientSession
    ) -> None:
        person = await desk.pool.fetchval("SELECT id FROM people")
        async with desk.browser() as second:
            await desk.sign_in(second, "operator")
            assert await end_sessions_of(desk.pool, person, "revoked") == 2
            assert not await is_in(desk, browser)
            assert not await is_in(desk, second)

    @pytest.mark.parametrize("column", ["expires_at", "seen_at"])
    async def test_it_ends_by_itself(self, desk: Staff, browser: ClientSession, column: str) -> None:
        await desk.pool.execute(f"UPDATE sessions SET {column} = now() - interval '61 minutes'")
        assert not await is_in(desk, browser)

    async def test_use_keeps_it_and_an_open_page_does_not(self, desk: Staff, browser: ClientSession) -> None:
        async def seen() -> Any:
            await desk.pool.execute("UPDATE sessions SET seen_at = now() - interval '10 minutes'")
            return await desk.pool.fetchval("SELECT seen_at FROM sessions")

        before = await seen()
        async with browser.get(f"{desk.url}/live") as stream:
            assert stream.status == 200
            assert await desk.pool.fetchval("SELECT seen_at FROM sessions") == before
        assert await is_in(desk, browser)
        assert await desk.pool.fetchval("SELECT seen_at FROM sessions") > before

    async def test_an_open_stream_ends_with_its_session(self, desk: Staff, browser: ClientSession) -> None:
        async with browser.get(f"{desk.url}/live") as stream:
            assert (await stream.content.readline()).startswith(b"retry:")
            await desk.pool.execute("UPDATE sessions SET ended_at = now(), ended_because = 'revoked'")
            with pytest.raises(ClientPayloadError):  # cut in the middle
                await asyncio.wait_for(stream.content.read(), 10)


class TestForgery:
    """What another site makes a person's browser send."""

    async def test_without_the_pages_token(self, desk: Staff, browser: ClientSession) -> None:
        origin = {"Origin": desk.url}
        for form in ({}, {"csrf_token": ""}, {"csrf_token": "0" * 64}, {"csrf_token": "\u00fc"}):
            async with browser.post(f"{desk.url}/logout", data=form, headers=origin) as response:
                assert (response.status, await code_of(response)) == (403, "csrf_refused")
        assert await is_in(desk, browser)

    @pytest.mark.parametrize("origin", BAD_ORIGINS)
    async def test_from_another_origin(self, desk: Staff, browser: ClientSession, origin: str | None) -> None:
        token = await desk.csrf_token(browser)
        headers = {"X-CSRF-Token": token, **({} if origin is None else {"Origin": origin})}
        for url in ("/logout", "/v1/effects/redrive"):
            async with browser.post(f"{desk.url}{url}", headers=headers) as response:
                assert response.status == 403, url
                assert (await response.json(content_type=None))["code"] == "csrf_refused"
        assert await is_in(desk, browser)

    async def test_with_somebody_elses_token(self, desk: Staff, browser: ClientSession) -> None:
        async with desk.browser() as other:
            await desk.sign_in(other, "operator")
            stolen = await desk.csrf_token(other)
        headers = {"X-CSRF-Token": stolen, "Origin": desk.url}
        async with browser.post(f"{desk.url}/logout", headers=headers) as response:
            assert response.status == 403

    async def test_a_script_of_ours_may_ask_the_api(self, desk: Staff, browser: ClientSession) -> None:
        headers = {
            "X-CSRF-Token": await desk.csrf_token(browser),
            "Origin": desk.url,
            "Idempotency-Key": "k-1",
        }
        url = f"{desk.url}/v1/effects/redrive"
        async with browser.post(url, json={"target": "psp:none/0"}, headers=headers) as response:
            assert response.status != 403, await response.text()
        async with browser.get(f"{desk.url}/v1/status") as response:
            assert response.status == 200

    async def test_a_password_that_browsers_send_is_no_better(self, web: Web) -> None:
        """Basic, as pages ask for beyond loopback, comes by itself as well."""
        headers = {**basic(await web.key("viewer")), "Accept": "text/html"}
        async with web.client.post("/logout", headers=headers) as response:
            assert (response.status, await code_of(response)) == (403, "csrf_refused")

    async def test_a_bearer_key_needs_no_token(self, desk: Staff, browser: ClientSession, web: Web) -> None:
        """The key counts, not the cookie beside it."""
        key = await web.key("viewer")
        headers = {**key, "Origin": OTHER}
        async with browser.post(f"{desk.url}/v1/effects/redrive", headers=headers) as response:
            assert (response.status, await code_of(response)) == (403, "forbidden")

    async def test_who_just_is_on_this_machine_changes_nothing(self, web: Web) -> None:
        async with web.client.post("/logout", headers={"Origin": OTHER}) as response:
            assert (await response.json(content_type=None))["code"] == "csrf_refused"


def desk_url(desk: Staff) -> Any:
    return URL(desk.url)


async def test_keys_go_on_as_before(desk: Staff, web: Web) -> None:
    async with ClientSession(headers=await web.key("viewer")) as machine:
        assert (await desk.get(machine, "/v1/status"))[0] == 200
        assert (await desk.get(machine, "/mismatches"))[0] == 200
    async with ClientSession(headers=await web.key("merchant", "m-1")) as merchant:
        assert (await desk.get(merchant, "/v1/mismatches"))[0] == 200
        assert (await desk.get(merchant, "/mismatches"))[0] == 403


async def test_without_a_provider_nobody_signs_in(web: Web) -> None:
    async with web.client.get("/login") as response:
        assert response.status == 200
        assert "not set up" in await response.text()
    for path in ("/login/start", "/login/callback"):
        async with web.client.get(path, allow_redirects=False) as response:
            assert response.status == 404


async def test_an_unknown_session_beyond_loopback_is_asked_to_sign_in(pool: Any) -> None:
    settings = OidcSettings(issuer="https://id.example", client_id="tally")
    hasher = KeyHasher([SECRET])
    people = People(settings, pool, hasher, "https://tally.example")
    app = build(pool, hasher, reader=None, pages_open=False, people=people)
    async with TestClient(TestServer(app)) as client:
        async with client.get("/", headers={"Accept": "text/html"}, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/login")
        async with client.get("/") as response:
            assert response.status == 401
            assert "Basic" not in response.headers["WWW-Authenticate"]


def test_every_form_of_a_template_has_the_token() -> None:
    posting = re.compile(r"<form\b[^>]*method=\"?post.*?</form>", re.IGNORECASE | re.DOTALL)
    pages = {path.name: path.read_text() for path in sorted(TEMPLATES.glob("*.html"))}
    found = [(name, form) for name, text in pages.items() for form in posting.findall(text)]
    assert found
    for name, form in found:
        assert "csrf_field()" in form or "csrf_token" in form, name


def test_merchants_reach_no_raw_route_but_those_that_read_no_table() -> None:
    """Raw handlers take the pool of the process: a merchant's rows are held for JSON endpoints only."""
    theirs = {route.path for route in RAW if route.access in (Access.STAFF_OR_MERCHANT, Access.MERCHANTS)}
    assert theirs == {"/v1/mismatches/stream"}


class TestSettings:
    def test_nothing_is_set(self) -> None:
        assert oidc_settings({}) is None
        assert oidc_settings({"TALLYSTICK_OIDC_ISSUER": " "}) is None

    @pytest.mark.parametrize(
        ("changed", "named"),
        [
            ({"TALLYSTICK_OIDC_ISSUER": ""}, "TALLYSTICK_OIDC_ISSUER"),
            ({"TALLYSTICK_OIDC_ISSUER": "http://id.example"}, "TALLYSTICK_OIDC_ISSUER"),
            ({"TALLYSTICK_OIDC_ISSUER": "id.example"}, "TALLYSTICK_OIDC_ISSUER"),
            ({"TALLYSTICK_OIDC_CLIENT_ID": ""}, "TALLYSTICK_OIDC_CLIENT_ID"),
            ({"TALLYSTICK_OIDC_ROLES": "staff"}, "TALLYSTICK_OIDC_ROLES"),
            ({"TALLYSTICK_OIDC_ROLES": "staff=king"}, "TALLYSTICK_OIDC_ROLES"),
            ({"TALLYSTICK_OIDC_ROLES": "=lead"}, "TALLYSTICK_OIDC_ROLES"),
            ({"TALLYSTICK_OIDC_SCOPES": "profile"}, "TALLYSTICK_OIDC_SCOPES"),
            ({"TALLYSTICK_SIGN_IN_IDLE_SECONDS": "0"}, "TALLYSTICK_SIGN_IN_IDLE_SECONDS"),
            ({"TALLYSTICK_SIGN_IN_LONGEST_SECONDS": "1h"}, "TALLYSTICK_SIGN_IN_LONGEST_SECONDS"),
        ],
    )
    def test_what_is_wrong_is_named(self, changed: dict[str, str], named: str) -> None:
        good = {"TALLYSTICK_OIDC_ISSUER": "https://id.example", "TALLYSTICK_OIDC_CLIENT_ID": "tally"}
        assert oidc_settings(good) is not None
        with pytest.raises(ConfigurationError, match=named):
            oidc_settings({**good, **changed})

    def test_the_secret_is_in_no_text(self) -> None:
        settings = oidc_settings(
            {
                "TALLYSTICK_OIDC_ISSUER": "https://id.example",
                "TALLYSTICK_OIDC_CLIENT_ID": "tally",
                "TALLYSTICK_OIDC_CLIENT_SECRET": "hush-hush",
            }
        )
        assert "hush" not in repr(settings)
