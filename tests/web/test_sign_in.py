"""People sign in by OpenID Connect: what works, and everything that must not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from app.oidc_settings import oidc_settings
from app.sandbox_login.provider import ACCOUNTS, CLIENT_ID, Provider, Refusal
from tests.web.signing_in import CLIENT_SECRET, Staff, query_of, staff
from web.claims import person_id, role_of, values_at

Claims = dict[str, Any]


class From(NamedTuple):
    """So many seconds from now, when the token is made."""

    seconds: int


def bent_by(bent: Claims) -> Callable[[Claims], Claims]:
    """Claims with others in their place; None takes one away."""

    def bend(claims: Claims) -> Claims:
        now = int(time.time())
        new = {
            name: now + value.seconds if isinstance(value, From) else value for name, value in bent.items()
        }
        return {name: value for name, value in {**claims, **new}.items() if value is not None}

    return bend


class Crooked(Provider):
    """A provider whose answers a test bends."""

    def __init__(self) -> None:
        super().__init__(CLIENT_SECRET)
        self.bend: Callable[[Claims], Claims] = dict
        self.forge: Callable[[Claims], str] = super().sign
        self.codes_count_for_ever = False

    def sign(self, claims: Claims) -> str:
        return self.forge(self.bend(claims))

    def tokens_for(self, client: tuple[str, str], code: str, redirect_uri: str, verifier: str) -> Claims:
        asked = self._codes.get(code)
        found = super().tokens_for(client, code, redirect_uri, verifier)
        if self.codes_count_for_ever and asked is not None:
            self._codes[code] = asked
        return found


@pytest.fixture
def crooked() -> Crooked:
    return Crooked()


@pytest.fixture
async def desk(pool: Any, crooked: Crooked) -> AsyncIterator[Staff]:
    async with staff(pool, crooked) as desk:
        yield desk


async def sessions(pool: Any) -> int:
    found: int = await pool.fetchval("SELECT count(*) FROM sessions")
    return found


async def refused(desk: Staff, account: str = "analyst") -> str:
    """The page that says so, after which there is no session."""
    async with desk.browser() as browser:
        status, _, text = await desk.sign_in(browser, account)
        assert status == 403, text
        assert (await desk.get(browser, "/"))[0] == 303
    assert await sessions(desk.pool) == 0
    return text


async def test_everybody_gets_the_role_that_the_provider_says(desk: Staff) -> None:
    for account in ACCOUNTS.values():
        if not account.roles:
            continue
        async with desk.browser() as browser:
            assert (await desk.sign_in(browser, account.id))[:2] == (303, "/")
            status, text = await desk.get(browser, "/mismatches")
            assert status == 200
            assert f'title="{account.name}"' in text
            assert account.roles[0].capitalize() in text


async def test_a_page_leads_to_the_sign_in_and_that_back_to_the_page(desk: Staff) -> None:
    wanted = "/mismatches?category=LATE&severity=HIGH"
    async with desk.browser() as browser:
        status, login = await desk.get(browser, wanted)
        assert (status, login) == (303, "/login?next=/mismatches?category%3DLATE%26severity%3DHIGH")
        _, page = await desk.get(browser, login)
        assert 'href="/login/start?next=/mismatches%3Fcategory%3DLATE%26severity%3DHIGH"' in page
        query = "?next=/mismatches%3Fcategory%3DLATE%26severity%3DHIGH"
        assert (await desk.sign_in(browser, "viewer", query))[:2] == (303, wanted)
        assert (await desk.get(browser, "/login"))[0] == 303  # is signed in already


async def test_without_a_session_nothing_is_said(desk: Staff) -> None:
    async with desk.browser() as browser:
        for path in ("/", "/mismatches", "/mismatches.csv", "/mismatches/x", "/live", "/mismatches/live"):
            assert (await desk.get(browser, path))[0] == 303, path
            assert (await desk.get(browser, path, Accept="text/event-stream"))[0] == 401, path
        for path in ("/v1/status", "/v1/mismatches", "/metrics"):
            assert (await desk.get(browser, path))[0] == 401, path


async def test_who_has_no_role_has_no_session(desk: Staff) -> None:
    assert "No access yet" in await refused(desk, "no-role")


async def test_who_cancels_is_not_signed_in(desk: Staff) -> None:
    assert "That did not work" in await refused(desk, "")


@pytest.mark.parametrize(
    "bent",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://another.example"},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": From(-120)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": From(600)},
        {"iat": None},
        {"nbf": From(600)},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"sub": 7},
    ],
    ids=str,
)
async def test_an_identity_token_that_does_not_fit_is_refused(
    desk: Staff, crooked: Crooked, bent: Claims
) -> None:
    crooked.bend = bent_by(bent)
    assert "That did not work" in await refused(desk)


@pytest.mark.parametrize(
    "bent",
    [{"exp": From(-5)}, {"iat": From(30)}, {"aud": [CLIENT_ID, "x"], "azp": CLIENT_ID}],
    ids=str,
)
async def test_clocks_may_differ_a_little(desk: Staff, crooked: Crooked, bent: Claims) -> None:
    crooked.bend = bent_by(bent)
    async with desk.browser() as browser:
        assert (await desk.sign_in(browser, "analyst"))[0] == 303


def _part(value: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def hs256(secret: bytes, kid: str | None, claims: Claims) -> str:
    """By hand: libraries refuse to make such a token."""
    text = f"{_part({'alg': 'HS256', 'kid': kid})}.{_part(claims)}"
    mac = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


class TestSignatures:
    async def test_none_at_all(self, desk: Staff, crooked: Crooked) -> None:
        for name in ("none", "None", "NONE", ""):
            header = {"alg": name, "kid": crooked.keys[0].kid}
            crooked.forge = lambda claims, header=header: f"{_part(header)}.{_part(claims)}."  # type: ignore[misc]
            await refused(desk)

    async def test_what_everybody_knows_as_a_shared_secret(self, desk: Staff, crooked: Crooked) -> None:
        """The public key, in every form, and the client's secret."""
        key = crooked.keys[0]
        public = key.as_bytes("PEM", private=False), key.as_bytes("DER", private=False)
        number = base64.urlsafe_b64decode(str(key.as_dict(private=False)["n"]) + "==")
        for secret in (*public, number, CLIENT_SECRET.encode(), b""):
            crooked.forge = partial(hs256, secret, key.kid)
            await refused(desk)

    async def test_a_key_of_somebody_else(self, desk: Staff, crooked: Crooked) -> None:
        stranger = RSAKey.generate_key(2048)
        for kid in (crooked.keys[0].kid, "unknown"):
            header = {"alg": "RS256", "kid": kid}
            crooked.forge = lambda claims, h=header: jwt.encode(h, claims, stranger)  # type: ignore[misc]
            await refused(desk)

    async def test_a_key_that_the_token_brings_along(self, desk: Staff, crooked: Crooked) -> None:
        stranger = RSAKey.generate_key(2048)
        header = {"alg": "RS256", "kid": crooked.keys[0].kid, "jwk": stranger.as_dict(private=False)}
        crooked.forge = lambda claims: jwt.encode(header, claims, stranger)
        await refused(desk)

    async def test_another_kind_of_key_under_the_same_name(self, desk: Staff, crooked: Crooked) -> None:
        other = ECKey.generate_key("P-256")
        header = {"alg": "ES256", "kid": crooked.keys[0].kid}
        crooked.forge = lambda claims: jwt.encode(header, claims, other)
        await refused(desk)

    async def test_a_changed_claim(self, desk: Staff, crooked: Crooked) -> None:
        def forge(claims: Claims) -> str:
            head, _, mac = Provider.sign(crooked, claims).split(".")
            return ".".join((head, _part({**claims, "roles": ["admin"]}), mac))

        crooked.forge = forge
        await refused(desk)

    async def test_no_token(self, desk: Staff, crooked: Crooked) -> None:
        for text in ("", "x", "a.b.c", "." * 10, "e30.e30.", "x" * 200_000, "\u00fc.\u00fc.\u00fc"):
            crooked.forge = lambda _, text=text: text  # type: ignore[misc]
            await refused(desk)

    async def test_a_new_key_of_the_provider_is_read(self, desk: Staff, crooked: Crooked) -> None:
        async with desk.browser() as browser:
            assert (await desk.sign_in(browser, "viewer"))[0] == 303
        crooked.rotate()
        desk.people.provider._keys = (0.0, desk.people.provider._keys[1])  # type: ignore[index] # read long ago
        async with desk.browser() as browser:
            assert (await desk.sign_in(browser, "viewer"))[0] == 303


class TestTheWayBack:
    async def test_a_code_counts_once(self, desk: Staff, crooked: Crooked) -> None:
        """Also with a provider that forgets to look."""
        for careless in (False, True):
            crooked.codes_count_for_ever = careless
            async with desk.browser() as browser:
                there = await desk.to_provider(browser)
                kept = {one.key: one.value for one in browser.cookie_jar}
                back = await desk.back(browser, there, "analyst")
                assert (await desk.arrive(browser, back))[0] == 303
            before = await sessions(desk.pool)
            async with desk.browser() as again:
                headers = {"Cookie": f"tallystick_sign_in={kept['tallystick_sign_in']}"}
                async with again.get(back, headers=headers, allow_redirects=False) as response:
                    assert response.status == 403
                    assert desk.people.cookie not in response.cookies
            assert await sessions(desk.pool) == before

    async def test_it_has_to_end_in_the_browser_that_began_it(self, desk: Staff) -> None:
        """Somebody else's code must not sign a person in as them."""
        async with desk.browser() as theirs, desk.browser() as ours:
            back = await desk.back(theirs, await desk.to_provider(theirs), "admin")
            assert (await desk.arrive(ours, back))[0] == 403
            await desk.to_provider(ours)
            assert (await desk.arrive(ours, back))[0] == 403
        assert await sessions(desk.pool) == 0

    async def test_a_wrong_state(self, desk: Staff) -> None:
        for change in ("&state=x", "", "&state="):
            async with desk.browser() as browser:
                back = await desk.back(browser, await desk.to_provider(browser), "analyst")
                bare = back.replace(f"state={query_of(back)['state']}", "")
                assert (await desk.arrive(browser, bare + change))[0] == 403

    async def test_another_issuers_answer(self, desk: Staff) -> None:
        for issuer in ("https://another.example", ""):
            async with desk.browser() as browser:
                back = await desk.back(browser, await desk.to_provider(browser), "analyst")
                base = back.partition("&iss=")[0]
                assert (await desk.arrive(browser, f"{base}&iss={issuer}" if issuer else base))[0] == 403

    async def test_a_tampered_cookie(self, desk: Staff) -> None:
        async with desk.browser() as browser:
            back = await desk.back(browser, await desk.to_provider(browser), "analyst")
            kept = next(one.value for one in browser.cookie_jar if one.key == "tallystick_sign_in")
        text, _, mac = kept.partition(".")
        fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        forged = _part({**fields, "next": "https://evil.example/"})
        for cookie in (f"{forged}.{mac}", f"{text}.{mac[:-1]}0", text, f".{mac}", "", "\u00fc.\u00fc"):
            async with desk.browser() as browser:
                headers = {"Cookie": f"tallystick_sign_in={cookie}"}
                async with browser.get(back, headers=headers, allow_redirects=False) as response:
                    assert response.status == 403, cookie
        assert await sessions(desk.pool) == 0

    async def test_too_late(self, desk: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
        async with desk.browser() as browser:
            back = await desk.back(browser, await desk.to_provider(browser), "analyst")
            now = time.time()
            monkeypatch.setattr("web.sign_in.time.time", lambda: now + 700)
            assert (await desk.arrive(browser, back))[0] == 403

    async def test_the_verifier_is_what_the_code_is_worth(self, desk: Staff, crooked: Crooked) -> None:
        """PKCE: who has the code alone, even with the client's secret, gets nothing."""
        async with desk.browser() as browser:
            back = query_of(await desk.back(browser, await desk.to_provider(browser), "analyst"))
        with pytest.raises(Refusal):
            crooked.tokens_for((CLIENT_ID, CLIENT_SECRET), back["code"], desk.people.redirect_uri, "guess")

    @pytest.mark.parametrize(
        "next_",
        [
            "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "evil", "",
            "javascript:alert(1)", "/%0d%0aSet-Cookie:x", "/ x", "/login", "/logout", "/\t/evil.example",
            "/\n", "/" + "x" * 2000,
        ],
    )  # fmt: skip
    async def test_nobody_is_led_elsewhere(self, desk: Staff, next_: str) -> None:
        async with desk.browser() as browser:
            status, location, _ = await desk.sign_in(browser, "viewer", f"?next={quote(next_, safe='')}")
            assert (status, location) == (303, next_ if next_.startswith("/%0d") else "/")


async def test_a_provider_that_is_away_is_said(pool: Any) -> None:
    async with staff(pool, issuer="http://127.0.0.1:9") as desk, desk.browser() as browser:
        status, text = await desk.get(browser, "/login/start")
        assert status == 503
        assert "does not answer" in text
        assert (await desk.get(browser, "/login"))[0] == 200


async def test_discovery_of_another_issuer_is_not_believed(pool: Any, crooked: Crooked) -> None:
    async with staff(pool, crooked) as desk, desk.browser() as browser:
        crooked.issuer = "https://another.example"
        assert (await desk.get(browser, "/login/start"))[0] == 503


class TestRoles:
    def test_the_first_that_fits(self, crooked: Crooked) -> None:
        settings = oidc_settings(
            {
                "TALLYSTICK_OIDC_ISSUER": "https://id.example",
                "TALLYSTICK_OIDC_CLIENT_ID": "tally",
                "TALLYSTICK_OIDC_ROLES": "cn=leads=lead, staff=viewer",
                "TALLYSTICK_OIDC_ROLE_CLAIM": "realm_access.groups",
            }
        )
        assert settings is not None
        for groups, role in (
            (["staff", "cn=leads"], "lead"),
            (["staff"], "viewer"),
            (["lead", "admin"], None),
        ):
            assert role_of({"realm_access": {"groups": groups}}, settings) == role
        assert role_of({}, settings) is None

    def test_claims_in_every_form(self) -> None:
        assert values_at({"roles": "lead"}, "roles") == {"lead"}
        assert values_at({"roles": ["a", 7, None, {"b": 1}]}, "roles") == {"a"}
        assert values_at({"https://x.example/roles": ["a"]}, "https://x.example/roles") == {"a"}
        assert values_at({"a": ["b"]}, "a.b.c") == frozenset()

    def test_a_person_is_who_the_issuer_says(self) -> None:
        assert person_id("https://a.example", "1") == person_id("https://a.example", "1")
        assert person_id("https://a.example", "1") != person_id("https://b.example", "1")
