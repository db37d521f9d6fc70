"""The engine's end of a monitor's socket, against a peer that says what the test wants."""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Coroutine

import pytest

from lading.containers import monitor as monitor_module
from lading.containers.monitor import Monitor, MonitorGone, MonitorRefused

SEQPACKET = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK


class Peer:
    """A monitor's end, played by the test, and what the engine's end made of it."""

    def __init__(self) -> None:
        engine_end, self.socket = socket.socketpair(socket.AF_UNIX, SEQPACKET)
        self.seen: list[object] = []  # events, then "closed"
        self.closed = asyncio.Event()
        self.monitor = Monitor(
            engine_end.detach(), on_event=self.seen.append, on_close=self._note_close
        )

    def say(self, **fields: object) -> None:
        self.socket.send(json.dumps(fields).encode())

    async def hear(self) -> dict[str, object]:
        """The next request."""
        data = await asyncio.get_running_loop().sock_recv(self.socket, 1 << 18)
        request: dict[str, object] = json.loads(data)
        return request

    def _note_close(self) -> None:
        self.seen.append("closed")
        self.closed.set()


def play(scene: Callable[[Peer], Coroutine[None, None, None]]) -> list[object]:
    """Run a scene to its end; what the engine's end saw."""

    async def main() -> list[object]:
        peer = Peer()
        try:
            await scene(peer)
        finally:
            peer.monitor.close()
            peer.socket.close()
        return peer.seen

    return asyncio.run(main())


def test_events_come_in_order_and_the_end_after_them() -> None:
    async def scene(peer: Peer) -> None:
        peer.say(event="started", pid=7)
        peer.say(event="exited", exit_code=3)
        peer.socket.close()
        await peer.closed.wait()
        assert not peer.monitor.is_open

    assert play(scene) == [
        {"event": "started", "pid": 7},
        {"event": "exited", "exit_code": 3},
        "closed",
    ]


def test_a_monitor_that_ends_with_a_message_of_ours_unread_is_heard_to_its_end() -> None:
    async def scene(peer: Peer) -> None:
        peer.monitor.post("watch_log", end=1)
        peer.say(event="exited", exit_code=3)
        peer.socket.close()
        await peer.closed.wait()

    assert play(scene) == [{"event": "exited", "exit_code": 3}, "closed"]


def test_an_event_that_came_before_we_hung_up_is_not_heard_afterwards() -> None:
    async def scene(peer: Peer) -> None:
        peer.say(event="exited")
        peer.monitor.close()
        await asyncio.sleep(0)

    assert play(scene) == []


def test_a_call_returns_the_fields_of_its_reply() -> None:
    async def scene(peer: Peer) -> None:
        calling = asyncio.ensure_future(peer.monitor.call("resize", height=24))
        request = await peer.hear()
        assert request == {"op": "resize", "seq": request["seq"], "height": 24}
        peer.say(reply=request["seq"], error=None, done=True)
        assert (await calling).fields["done"] is True

    assert play(scene) == []


def test_replies_find_their_calls_in_any_order() -> None:
    async def scene(peer: Peer) -> None:
        calls = [asyncio.ensure_future(peer.monitor.call(op)) for op in ("one", "two")]
        requests = [await peer.hear() for _ in calls]
        for request in reversed(requests):
            peer.say(reply=request["seq"], error=None, to=request["op"])
        assert [(await call).fields["to"] for call in calls] == ["one", "two"]

    play(scene)


def test_descriptors_travel_both_ways() -> None:
    async def scene(peer: Peer) -> None:
        reading, writing = os.pipe()
        calling = asyncio.ensure_future(peer.monitor.call("attach", [writing]))
        await asyncio.sleep(0)
        data, received, _, _ = socket.recv_fds(peer.socket, 1 << 16, 8)
        reply = json.dumps({"reply": json.loads(data)["seq"], "error": None}).encode()
        socket.send_fds(peer.socket, [reply], received)
        [returned] = (await calling).descriptors
        os.write(returned, b"through")
        assert os.read(reading, 100) == b"through"
        for descriptor in (reading, writing, returned, *received):
            os.close(descriptor)

    play(scene)


def test_received_descriptors_are_not_inherited_by_programs() -> None:
    async def scene(peer: Peer) -> None:
        calling = asyncio.ensure_future(peer.monitor.call("attach"))
        reply = json.dumps({"reply": (await peer.hear())["seq"], "error": None}).encode()
        socket.send_fds(peer.socket, [reply], [0])
        [returned] = (await calling).descriptors
        assert not os.get_inheritable(returned)
        os.close(returned)

    play(scene)


@pytest.mark.parametrize("message", [{"reply": 99, "error": None}, {"event": "log", "size": 1}])
def test_descriptors_that_nobody_asked_for_are_closed(message: dict[str, object]) -> None:
    async def scene(peer: Peer) -> None:
        reading, writing = os.pipe()
        socket.send_fds(peer.socket, [json.dumps(message).encode()], [writing])
        os.close(writing)
        os.set_blocking(reading, False)
        peer.socket.close()
        await peer.closed.wait()
        assert os.read(reading, 1) == b""  # the end: no writer is left
        os.close(reading)

    play(scene)


def test_a_refusal_is_raised_with_its_text() -> None:
    async def scene(peer: Peer) -> None:
        calling = asyncio.ensure_future(peer.monitor.call("exec"))
        peer.say(reply=(await peer.hear())["seq"], error={"message": "no such user"})
        with pytest.raises(MonitorRefused, match="no such user"):
            await calling

    play(scene)


def test_a_process_that_is_gone_is_a_monitor_that_is_gone() -> None:
    async def scene(peer: Peer) -> None:
        calling = asyncio.ensure_future(peer.monitor.call("signal"))
        peer.say(reply=(await peer.hear())["seq"], error={"message": "gone", "errno": 3})
        with pytest.raises(MonitorGone):
            await calling

    play(scene)


def test_a_call_in_flight_fails_when_the_monitor_ends() -> None:
    async def scene(peer: Peer) -> None:
        calling = asyncio.ensure_future(peer.monitor.call("stats"))
        await peer.hear()
        peer.socket.close()
        with pytest.raises(MonitorGone):
            await calling

    assert play(scene) == ["closed"]


def test_nobody_can_be_called_after_the_end() -> None:
    async def scene(peer: Peer) -> None:
        peer.socket.close()
        await peer.closed.wait()
        peer.monitor.post("watch_log", end=1)
        with pytest.raises(MonitorGone):
            await peer.monitor.call("stats")

    assert play(scene) == ["closed"]


def test_a_monitor_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_module, "PATIENCE_S", 0.01)

    async def scene(peer: Peer) -> None:
        with pytest.raises(MonitorRefused, match="does not answer: stats"):
            await peer.monitor.call("stats")

    play(scene)


def test_a_monitor_that_takes_no_messages_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_module, "PATIENCE_S", 0.01)

    async def scene(peer: Peer) -> None:
        for _ in range(10_000):
            peer.monitor.post("watch_log", end=1)
        with pytest.raises(MonitorRefused, match="takes no messages"):
            await peer.monitor.call("stats")

    play(scene)
