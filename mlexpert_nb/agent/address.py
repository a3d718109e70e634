"""The endpoint's address: which one may be talked to, and how it is spelled."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlexpert_nb.errors import UsageError

_HOST = "api.anthropic.com"
FIRST_PARTY = f"https://{_HOST}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the language model answers.

    Attributes:
        url: Without a trailing `/v1`, which the SDK adds.
        note: What was changed in what the user typed; empty if nothing.
    """

    url: str
    note: str = ""

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.url).netloc

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no key is needed and nothing leaves."""
        return _is_loopback(urlsplit(self.url).hostname or "")

    @property
    def is_first_party(self) -> bool:
        """Whether it is Anthropic's own."""
        parts = urlsplit(self.url)  # a host has no case, and 443 is the usual port
        return (parts.scheme, parts.hostname, parts.port or 443, parts.path) == ("https", _HOST, 443, "")


def read_address(text: str, environ: Mapping[str, str]) -> Address:
    """Read a base URL; an empty one is Anthropic's own.

    Raises:
        UsageError: It is no http(s) address, holds a password, or would send the key unencrypted to another machine.
    """
    if not text:
        return Address(FIRST_PARTY)
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0  # reading it raises where it is none
    except ValueError:
        raise UsageError(f"--base-url {text}: give an address such as http://127.0.0.1:8080") from None
    if not is_port or parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--base-url {text}: give an address such as http://127.0.0.1:8080")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "--base-url: a user, password or query does not belong into the address; give the key by itself"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname) and environ.get("MLEXPERT_ALLOW_HTTP") != "1":
        raise UsageError(
            f"--base-url {url}: plain http would show the key and the code to the network; use https, a tunnel to "
            "127.0.0.1, or MLEXPERT_ALLOW_HTTP=1 if the network is yours"
        )
    if url.endswith("/v1"):
        return Address(url.removesuffix("/v1"), f"the /v1 at the end of {url} was left out; it is added to every call")
    return Address(url)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
