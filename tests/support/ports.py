"""Ports that stay a test's own while its servers come and go."""

import socket


def held_port():
    """A socket that holds a port of 127.0.0.1 as long as it is open: nobody is given the port by
    chance, and nobody answers there, but a server that is told to listen on it may, again and
    again, since servers reuse addresses."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(('127.0.0.1', 0))
    return held


def number_of(held):
    return held.getsockname()[1]
