import socket
import time
from contextlib import closing

import pytest
import requests

from devtools.receiver.parser import BODY_LIMIT_BYTES
from tests.support.receiver import Arrival, Close, Hang, Response, ScriptedReceiver, in_turn


def connect(receiver: ScriptedReceiver) -> socket.socket:
    return socket.create_connection((receiver.host, receiver.port), timeout=5)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        piece = connection.recv(65536)
        assert piece, f"the connection ended after {received!r}"
        received += piece
    return received


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def test_what_arrives_is_kept_with_a_monotonic_time() -> None:
    with ScriptedReceiver() as receiver:
        before = time.monotonic()
        answer = requests.post(f"{receiver.url}/in?a=S%C3%A3o+Paulo", data=b"\xffx", headers={"X-A": "1"}, timeout=5)
        [arrival] = receiver.wait_for(1)
        assert before < arrival.t < time.monotonic()
    assert (answer.status_code, answer.text) == (200, "OK")
    assert (arrival.method, arrival.url, arrival.path) == ("POST", "/in?a=S%C3%A3o+Paulo", "/in")
    assert (arrival.query, arrival.raw_body, arrival.body) == ({"a": "São Paulo"}, b"\xffx", "\ufffdx")
    assert arrival.headers["X-A"] == "1"


def test_answers_come_in_turn_and_then_200() -> None:
    script = in_turn([Response(503, "later", {"Retry-After": "7"}), Response(404, "")])
    with ScriptedReceiver(script) as receiver, requests.Session() as session:
        answers = [session.get(receiver.url, timeout=5) for _ in range(3)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(503, "later"), (404, ""), (200, "OK")]
    assert answers[0].headers["Retry-After"] == "7"


def test_pipelined_requests_are_answered_in_order_even_if_the_first_is_slow() -> None:
    def script(arrival: Arrival) -> Response:
        return Response(body=arrival.path, delay_seconds=0.2 if arrival.path == "/1" else 0)

    with ScriptedReceiver(script) as receiver, closing(connect(receiver)) as connection:
        started = time.monotonic()
        connection.sendall(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in (1, 2, 3)))
        answers = read_until(connection, b"/3")
        took = time.monotonic() - started
        arrivals = receiver.arrivals
    bodies = [answer.rpartition(b"\r\n\r\n")[2] for answer in answers.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/1", b"/2", b"/3"]
    assert took >= 0.2
    assert arrivals[2].t - started < 0.15, "all had arrived before the first was answered"


def test_a_slow_answer_holds_up_no_other_connection() -> None:
    def script(arrival: Arrival) -> Response:
        return Response(delay_seconds=30 if arrival.path == "/slow" else 0)

    with ScriptedReceiver(script) as receiver, closing(connect(receiver)) as slow:
        slow.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        receiver.wait_for(1)
        assert requests.get(f"{receiver.url}/fast", timeout=2).status_code == 200


def test_more_pipelined_requests_than_may_wait_are_all_answered() -> None:
    with ScriptedReceiver(lambda _arrival: Response(delay_seconds=0.05)) as receiver:
        with closing(connect(receiver)) as connection:
            # More than one read takes, so that reading has to stop and go on.
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 20_000 + b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n")
            answers = read_all(connection)
        assert len(receiver.arrivals) == 20_001
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 20_001


def test_close_ends_the_connection_without_an_answer() -> None:
    with ScriptedReceiver(in_turn([Close()])) as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert read_all(connection) == b""


def test_hang_never_answers_and_keeps_the_connection_open() -> None:
    with ScriptedReceiver(in_turn([Hang()])) as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
        receiver.wait_for(1)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert [arrival.path for arrival in receiver.arrivals] == ["/1"]


def test_head_gets_the_length_and_no_body() -> None:
    with ScriptedReceiver() as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = read_all(connection)
    assert b"Content-Length: 2\r\n" in answer
    assert answer.endswith(b"Connection: close\r\n\r\n")


def test_a_204_has_neither_body_nor_length() -> None:
    with ScriptedReceiver(lambda _arrival: Response(204)) as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert read_all(connection) == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def test_100_continue_comes_before_the_body_is_sent() -> None:
    with ScriptedReceiver() as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert read_until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert receiver.arrivals == []
        connection.sendall(b"ok")
        assert read_until(connection, b"OK").startswith(b"HTTP/1.1 200 OK\r\n")
        assert receiver.arrivals[0].body == "ok"


def test_a_half_closed_connection_still_gets_its_late_answer() -> None:
    script = in_turn([Response(delay_seconds=0.1)])
    with ScriptedReceiver(script) as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_body_that_is_too_large_is_refused_with_413_while_it_is_sent() -> None:
    with ScriptedReceiver() as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT_BYTES + 1))
        connection.sendall(b"x" * 1_000_000)
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")
        assert receiver.arrivals == []


def test_a_malformed_request_is_answered_400_after_the_good_one_before_it() -> None:
    with ScriptedReceiver() as receiver, closing(connect(receiver)) as connection:
        connection.sendall(b"GET /good HTTP/1.1\r\n\r\nGARBAGE\r\n\r\nGET /never HTTP/1.1\r\n\r\n")
        answers = read_all(connection)
        assert [arrival.path for arrival in receiver.arrivals] == ["/good"]
    good, _, bad = answers.partition(b"\r\n\r\nOK")
    assert good.startswith(b"HTTP/1.1 200 OK\r\n")
    assert bad.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert bad.endswith(b"\r\n\r\nthe first line is not `METHOD URL HTTP/1.1`\n")


def test_a_stopped_receiver_refuses_and_comes_back_on_the_same_port() -> None:
    with ScriptedReceiver() as receiver:
        url = receiver.url
        with closing(connect(receiver)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            read_until(connection, b"OK")
            receiver.stop()
            with pytest.raises((ConnectionResetError, AssertionError)):
                read_until(connection, b"never")
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=2)
        receiver.start()
        assert receiver.url == url
        assert requests.get(url, timeout=2).status_code == 200
        assert len(receiver.arrivals) == 2


def test_waiting_in_vain_says_what_came() -> None:
    with ScriptedReceiver() as receiver:
        requests.get(f"{receiver.url}/only", timeout=5)
        with pytest.raises(AssertionError, match=r"1 of 2 requests came in time; the last: \['GET /only'\]"):
            receiver.wait_for(2, timeout=0.1)


def test_a_script_that_fails_fails_the_test() -> None:
    def script(_arrival: Arrival) -> Response:
        raise ValueError("a mistake")

    with pytest.raises(AssertionError, match="the script of the receiver failed"), ScriptedReceiver(script) as receiver:
        assert requests.get(receiver.url, timeout=5).status_code == 500
