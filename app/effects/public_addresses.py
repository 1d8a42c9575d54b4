"""Which addresses a merchant's URL may lead to: public ones, decided for the address that is connected to.

A URL's text proves nothing: a name may resolve to a private address, to another one the next time, and
`2130706433`, `0x7f.1` or `[::ffff:127.0.0.1]` are this machine as well. So no URL is judged here: the
connector asks for each socket it is about to connect, after resolution, for literals too. Redirects are not
followed at all.

`TALLYSTICK_WEBHOOK_ALLOWED_NETWORKS` (comma-separated, like `10.20.0.0/16`) lets tests and intranets in.
Source of the lists: IANA's registries of special-purpose addresses.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from app.errors import ConfigurationError

VARIABLE: Final = "TALLYSTICK_WEBHOOK_ALLOWED_NETWORKS"
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public address that is a cloud's own service inside of it
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
GLOBAL_V6: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that is given out as public addresses."""
REFUSED_V6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
NAT64: Final = IPv6Network("64:ff9b::/96")


class AddressRefused(OSError):
    """A connection that is not made. Its text does not name the address: the merchant will read it."""

    def __init__(self) -> None:
        super().__init__("the URL leads to an address that is not public")


class PublicAddresses:
    """The judgement, and the socket factory for aiohttp's connector that asks it."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def admits(self, text: str) -> bool:
        """`text`: an address as the system's resolver writes it. Anything unreadable is refused."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        inner = embedded(address)
        return self._allows(address) or (self._allows(inner) if inner else False) or _public(inner or address)

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for one entry of `getaddrinfo`. Raises AddressRefused."""
        family, kind, protocol, _, where = info
        if family not in (socket.AF_INET, socket.AF_INET6) or not self.admits(where[0]):
            raise AddressRefused
        return socket.socket(family, kind, protocol)

    def _allows(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._allowed)


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, NAT64 or 6to4."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    return address in GLOBAL_V6 and not any(address in network for network in REFUSED_V6)


def allowed_networks(environ: Mapping[str, str]) -> tuple[Network, ...]:
    """Raises ConfigurationError that names the variable."""
    texts = [text.strip() for text in environ.get(VARIABLE, "").split(",") if text.strip()]
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ConfigurationError(f"{VARIABLE} must be networks like 10.20.0.0/16: {error}") from None
