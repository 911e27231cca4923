"""Accepts connections and never answers. `PORT HOSTS`: listens on that many addresses from 127.0.1.1 on."""

from __future__ import annotations

import resource
import select
import socket
import sys


def address(number: int) -> str:
    """The address of silent host `number`, from 0."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def main(port: int, hosts: int) -> None:
    """Runs until it is killed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    epoll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    listeners = set()
    for number in range(hosts):
        listener = socket.create_server((address(number), port), backlog=4096)
        listener.setblocking(False)
        sockets[listener.fileno()] = listener
        listeners.add(listener.fileno())
        epoll.register(listener, select.EPOLLIN)
    print("listening", flush=True)
    while True:
        for fd, _ in epoll.poll():
            if fd in listeners:
                _accept(sockets[fd], sockets, epoll)
            elif not sockets[fd].recv(65_536):
                sockets.pop(fd).close()


def _accept(listener: socket.socket, sockets: dict[int, socket.socket], epoll: select.epoll) -> None:
    connection, _ = listener.accept()
    sockets[connection.fileno()] = connection
    epoll.register(connection, select.EPOLLIN)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
