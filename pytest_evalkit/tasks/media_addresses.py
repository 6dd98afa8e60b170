"""Which addresses a data set may have the endpoint fetch: those of the public web.

Nothing is fetched here; the endpoint does that, and may stand where a stranger's row
should reach nothing. It resolves names by itself, so only what an address says is known.
"""

from __future__ import annotations

import re
import socket
import unicodedata
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from pytest_evalkit.errors import DatasetError

_PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")
# Clients differ in where a host begins that has one of these before it.
_AMBIGUOUS = re.compile(r"[\\\s\x00-\x20\x7f]")
# Networks whose addresses have an IPv4 address in them, and how far from their end.
_EMBEDDING = ((ip_network("64:ff9b::/96"), 0), (ip_network("2002::/16"), 80))
_IPV4_BITS = 0xFFFFFFFF


def require_public(url: str) -> None:
    """Refuse an address of this machine or of a network that is not public.

    Args:
        url: It begins with ``http://`` or ``https://``.

    Raises:
        DatasetError: It is one, or what host it names is not clear.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host or _AMBIGUOUS.search(url):
        raise DatasetError(f"not an address of a medium: {url[:200]!r}")
    if not _is_public(unicodedata.normalize("NFKC", host).rstrip(".")):
        raise DatasetError(
            f"a medium at {host}, which is no address of the public web; if the "
            "endpoint is to fetch it, give --allow-private-media"
        )


def _is_public(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_global and not address.is_multicast
    return "." in host and not host.endswith(
        tuple(f".{name}" for name in _PRIVATE_NAMES)
    )


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Read a host that is a number, in whatever form; None for a name."""
    try:
        # As clients do, it takes one number, octal and hexadecimal ones too.
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        pass
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return address
    for network, shift in _EMBEDDING:
        if address in network:
            return IPv4Address(int(address) >> shift & _IPV4_BITS)
    return address.ipv4_mapped or address
