"""A station's HTTP control API: what people do at it, and what is to be seen of it, as JSON."""

from ocppflow.control.control_server import TOKEN, ControlAddress, ControlServer, read_address

__all__ = ["TOKEN", "ControlAddress", "ControlServer", "read_address"]
