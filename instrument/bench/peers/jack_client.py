"""A client on a private JACK server: the bench's own hands and ears, and its peers'."""

from __future__ import annotations

import jack


def open_client(server: str, name: str) -> jack.Client:
    """Open a client on a server, by the server's name.

    Raises
    ------
    jack.JackOpenError
        The server is not there.
    """
    jack.set_error_function(lambda _message: None)  # libjack would print into the table
    jack.set_info_function(lambda _message: None)
    return jack.Client(name, servername=server, no_start_server=True)
