"""What a test's own server must not do to the tests that come after it."""

import socket
import threading

from tests.loopback import Request, served


def test_the_end_of_a_server_hangs_up_and_leaves_the_descriptor_to_the_thread_that_talks() -> None:
    """Else that thread, if it has just been about to read, reads what a later test's server sends."""
    asked, over, done = threading.Event(), threading.Event(), threading.Event()
    seen: list[object] = []

    def talks(request: Request, connection: socket.socket) -> None:
        asked.set()
        over.wait(60)
        try:
            seen.append(connection.fileno() >= 0)
            seen.append(connection.recv(1))
        finally:
            done.set()

    with served(talks) as peer, socket.create_connection(("127.0.0.1", peer.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert asked.wait(60)
    over.set()
    assert done.wait(60)
    assert seen == [True, b""]
