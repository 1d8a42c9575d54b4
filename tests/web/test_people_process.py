"""`sandbox-login`, `web` and `sessions` as programs: a person signs in, is listed, is sent away."""

from __future__ import annotations

import asyncio
import re

from aiohttp import ClientSession, CookieJar

from tests.support.waiting import free_port
from tests.web.test_authorisation import program, sign_in
from tests.web.test_process import run


async def test_list_and_revoke(database: str) -> None:
    assert "nobody has signed in yet" in (await asyncio.to_thread(run, database, "sessions", "list")).stdout
    async with program(database, "sandbox-login", "--port", "0") as login:
        given = dict(line.split("=", 1) for line in login[1:])
        port = str(free_port())
        url = f"http://127.0.0.1:{port}"
        async with (
            program(database, "web", **{**given, "TALLYSTICK_WEB_PORT": port}),
            ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser,
        ):
            await sign_in(browser, url, "approver")
            listed = (await asyncio.to_thread(run, database, "sessions", "list")).stdout
            found = re.fullmatch(r"([0-9a-f]{12})  (p-[0-9a-f]{20})  Approver +approver .* live\n", listed)
            assert found, listed
            done = await asyncio.to_thread(run, database, "sessions", "revoke", found[1])
            assert (done.returncode, done.stdout) == (0, "1 session revoked\n")
            async with browser.get(f"{url}/mismatches", headers={"Accept": "text/html"}) as response:
                assert str(response.url).startswith(f"{url}/login"), response.url
            again = await asyncio.to_thread(run, database, "sessions", "revoke", "--person", found[2])
            assert again.returncode == 2
            assert "no such session" in again.stderr
            assert "revoked" in (await asyncio.to_thread(run, database, "sessions", "list")).stdout


def test_wrong_settings_are_said(database: str) -> None:
    done = run(database, "web", TALLYSTICK_OIDC_CLIENT_ID="tally")
    assert done.returncode == 2
    assert "TALLYSTICK_OIDC_ISSUER is not" in done.stderr
    done = run(
        database,
        "web",
        TALLYSTICK_OIDC_ISSUER="https://id.example",
        TALLYSTICK_OIDC_CLIENT_ID="tally",
        TALLYSTICK_PUBLIC_URL="http://tally.example",
    )
    assert done.returncode == 2
    assert "TALLYSTICK_PUBLIC_URL" in done.stderr
    assert "Traceback" not in done.stderr
