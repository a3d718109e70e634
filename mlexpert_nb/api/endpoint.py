"""Whether an endpoint can be reached: a connection is opened and closed; no request is made and no key is sent."""

import socket
import ssl
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import SplitResult, urlsplit

TIMEOUT_S = 3.0
_PORTS = {"https": 443, "http": 80}


def unreachable(url: str, environ: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> str:
    """Say why an endpoint cannot be reached; empty if it can.

    Looking up a name takes no timeout of its own, so the time is kept from outside.

    Args:
        url: Of the endpoint.
        environ: Where proxies are named.
        timeout_s: Seconds for everything.
    """
    parts = urlsplit(url)
    through = proxy_of(parts, environ)
    answer: SimpleQueue[str] = SimpleQueue()
    Thread(target=lambda: answer.put(_connect(through or parts, through is None, timeout_s)), daemon=True).start()
    try:
        why = answer.get(timeout=timeout_s + 0.2)
    except Empty:
        why = f"no answer within {timeout_s:g} s"
    return f"the proxy {_place(through)}: {why}" if why and through else why


def proxy_of(parts: SplitResult, environ: Mapping[str, str]) -> SplitResult | None:
    """Give the proxy that requests to a URL go through, as the environment has it; None if they go straight."""
    found = {
        kind: environ.get(f"{kind}_proxy") or environ.get(f"{kind.upper()}_PROXY") or ""
        for kind in (parts.scheme, "all", "no")
    }
    named = found[parts.scheme] or found["all"]
    if not named or _goes_straight(parts.hostname or "", found["no"]):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _goes_straight(host: str, listed: str) -> bool:
    """Tell whether NO_PROXY lists a host or its domain."""
    names = [name.strip().lstrip(".").lower() for name in listed.split(",") if name.strip()]
    return "*" in names or any(host == name or host.endswith(f".{name}") for name in names)


def _connect(parts: SplitResult, encrypt: bool, timeout_s: float) -> str:  # noqa: FBT001 - called in one place
    try:
        place = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
        with socket.create_connection(place, timeout=timeout_s) as plain:
            if encrypt and parts.scheme == "https":
                ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname).close()
    except (OSError, ValueError) as error:
        return _reason(error, timeout_s)
    return ""


def _reason(error: OSError | ValueError, timeout_s: float) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"it speaks no TLS ({error.reason})"
        case socket.gaierror():
            return "its name is not known here (no network, or no name service)"
        case ConnectionRefusedError():
            return "connection refused"
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case _:
            return getattr(error, "strerror", None) or str(error)


def _place(parts: SplitResult) -> str:
    """Give host and port, without a password."""
    return parts.netloc.rpartition("@")[2]
