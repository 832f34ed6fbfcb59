"""Where this process can be reached."""

import ipaddress

import psutil


def open_to_others() -> list[str]:
    """Addresses with ports on which this process listens and which other machines may reach."""
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process().net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    return [f"{address}:{port}" for address, port in sorted(listening) if not ipaddress.ip_address(address).is_loopback]
