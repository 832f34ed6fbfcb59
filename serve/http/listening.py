"""Where this process can be reached."""

import ipaddress
import logging

import psutil

_log = logging.getLogger("bentoml.stance")


def warn_if_open(addresses: list[str]) -> None:
    """Say that there is no lock on the door, if `addresses` are some that other machines reach."""
    if addresses:
        message = "anyone who reaches %s may use the service; set STANCE_API_KEYS or listen on 127.0.0.1"
        _log.warning(message, ", ".join(addresses))


def only_here(host: str) -> bool:
    """Whether nobody but this machine reaches `host`, a name or an address to listen on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_to_others() -> list[str]:
    """Addresses with ports on which this process listens and which other machines may reach."""
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process().net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    return [place(address, port) for address, port in sorted(listening) if not only_here(address)]


def place(host: str, port: int) -> str:
    """Host and port as they are written in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
