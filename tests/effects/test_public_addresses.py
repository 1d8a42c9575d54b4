"""No way leads from a merchant's URL to an address that is not public: judged where one connects."""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from app.effects import outbound
from app.effects.public_addresses import VARIABLE, PublicAddresses, allowed_networks
from app.errors import ConfigurationError
from tests.support.deliveries import LOOPBACK, attempt, delivering
from tests.support.receiver import receiving

NOT_PUBLIC = "the URL leads to an address that is not public"
NOBODY = PublicAddresses()

PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.0.9
    168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1
    192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1
    255.255.255.255
    :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
    64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1::1 2002:a00:1::
    3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1 4000::1
    localhost 127.1 2130706433 0x7f000001 017700000001
""".split()
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0
    192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1 2a00:1450::1
    ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1
""".split()


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_public(text: str) -> None:
    assert not NOBODY.admits(text)


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public(text: str) -> None:
    assert NOBODY.admits(text)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_however_an_ipv4_address_is_wrapped_the_judgement_is_its_own(number: int) -> None:
    plain = str(IPv4Address(number))
    wrapped = [f"::ffff:{plain}", str(ip_address((0x64_FF9B << 96) | number))]
    assert {NOBODY.admits(text) for text in wrapped} == {NOBODY.admits(plain)}


@given(st.ip_addresses())
def test_what_is_admitted_is_global_in_the_standard_librarys_eyes_too(address: object) -> None:
    text = str(address)
    if NOBODY.admits(text):
        inner = getattr(address, "ipv4_mapped", None) or address
        kinds = ("is_private", "is_loopback", "is_link_local", "is_multicast")
        assert not any(getattr(inner, kind) for kind in kinds)


def test_networks_that_are_allowed() -> None:
    intranet = PublicAddresses(allowed_networks({VARIABLE: " 10.20.0.0/16, fd00:1::/64 ,127.0.0.1/32"}))
    assert all(intranet.admits(text) for text in ("10.20.3.4", "fd00:1::9", "127.0.0.1", "::ffff:10.20.0.1"))
    assert not any(intranet.admits(text) for text in ("10.21.0.1", "fd00:2::1", "127.0.0.2"))
    assert allowed_networks({}) == ()


@pytest.mark.parametrize("text", ["10.0.0.1/8", "everything", "10.0.0.0/99"])
def test_networks_that_cannot_be_read_name_the_variable(text: str) -> None:
    with pytest.raises(ConfigurationError, match=VARIABLE):
        allowed_networks({VARIABLE: text})


HOSTS = {
    "127.0.0.1": True,
    "localhost": True,
    "localhost.": False,
    "127.1": False,
    "127.0.1": False,
    "0": False,
    "0.0.0.0": True,
    "2130706433": False,
    "0x7f000001": False,
    "0x7f.1": False,
    "0177.0.0.1": False,
    "017700000001": False,
    "[::ffff:127.0.0.1]": True,
    "[::ffff:7f00:1]": True,
    "[0:0:0:0:0:ffff:7f00:0001]": True,
    "[::]": False,
    "127。0。0。1": False,
    "①②⑦.0.0.1": False,
    "user:secret@127.0.0.1": False,
    "example.com@127.0.0.1": False,
}
"""Ways to write this machine; True where the test insists that it is one here: so it proves something."""


@pytest.mark.parametrize(("host", "is_sure"), HOSTS.items())
async def test_no_way_of_writing_this_machine_leads_to_it(host: str, is_sure: bool) -> None:
    async with receiving() as merchant, delivering(addresses=NOBODY, timeout_seconds=3) as kind:
        url = merchant.url.replace("127.0.0.1", host)
        outcome = await kind.perform(attempt(url))
        assert merchant.received == []
        assert outcome.outcome == "retry"
        if is_sure:
            assert outcome.reason == NOT_PUBLIC
    everything = PublicAddresses((ip_network("0.0.0.0/0"), ip_network("::/0")))
    async with receiving() as merchant, delivering(addresses=everything, timeout_seconds=3) as kind:
        await kind.perform(attempt(merchant.url.replace("127.0.0.1", host)))
        assert merchant.received or not is_sure


class Rebinding(AbstractResolver):
    """Names of an attacker: a public address the first time, this machine afterwards, or both at once."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=6, flags=0)
            for one in found
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("answers", [[["127.0.0.1"]], [["169.254.169.254", "127.0.0.1", "10.0.0.1"]]])
async def test_a_name_that_resolves_to_a_private_address(answers: list[list[str]]) -> None:
    resolver = Rebinding(*answers)
    async with receiving() as merchant, delivering(addresses=NOBODY, resolver=resolver) as kind:
        outcome = await kind.perform(attempt(merchant.url.replace("127.0.0.1", "rebind.example")))
    assert (outcome.outcome, outcome.reason) == ("retry", NOT_PUBLIC)
    assert merchant.received == []


async def test_a_name_that_changes_is_judged_each_time_it_is_connected_to() -> None:
    """Allowed the first time, and the connection closed; then the same name leads elsewhere."""
    resolver = Rebinding(["127.0.0.1"], ["127.0.0.2"])
    only = PublicAddresses((ip_network("127.0.0.1/32"),))
    async with receiving() as merchant, delivering(addresses=only, resolver=resolver) as kind:
        url = merchant.url.replace("127.0.0.1", "rebind.example")
        merchant.answers = [web.Response(headers={"Connection": "close"})]
        first = await kind.perform(attempt(url))
        kind._session.connector.clear_dns_cache()  # type: ignore[union-attr]
        second = await kind.perform(attempt(url, seq=2))
    assert (first.outcome, second.outcome, second.reason) == ("done", "retry", NOT_PUBLIC)
    assert len(merchant.received) == 1


async def test_a_redirect_into_the_network_is_not_followed() -> None:
    async with receiving() as inside, receiving() as merchant, delivering(addresses=LOOPBACK) as kind:
        merchant.answers = [web.Response(status=307, headers={"Location": inside.url})]
        await kind.perform(attempt(merchant.url))
        assert (len(merchant.received), inside.received) == (1, [])


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as merchant, delivering() as kind:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        await kind.perform(attempt(merchant.url))
        assert (len(merchant.received), proxy.received) == (1, [])


async def test_names_that_hang_do_not_hold_up_the_programs_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hangs(*_: object) -> list[object]:
        released.wait(10)
        return []

    monkeypatch.setattr(outbound, "_look_up", hangs)
    async with delivering(timeout_seconds=5) as kind:
        urls = [f"https://merchant-{number}.example/" for number in range(50)]
        waiting = [asyncio.create_task(kind.perform(attempt(url))) for url in urls]
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(4):
            assert await loop.getaddrinfo("localhost", 80)
        released.set()
        assert {outcome.outcome for outcome in await asyncio.gather(*waiting)} == {"retry"}
