"""Datagrams carry one object each, and descriptors."""

import os

from hypothesis import given
from hypothesis import strategies as st

from lading.runtime import head, messages


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none())))
def test_a_message_arrives_as_it_was_sent(message: dict[str, object]) -> None:
    ours, theirs = messages.pair()
    messages.send(ours, message)
    assert messages.receive(theirs) == (message, [])
    ours.close()
    assert messages.receive(theirs) == (None, [])
    theirs.close()


def test_descriptors_arrive_close_on_exec() -> None:
    ours, theirs = messages.pair()
    with open("/dev/null") as null:
        messages.send(ours, {"op": "x"}, [null.fileno(), null.fileno()])
    _, fds = messages.receive(theirs)
    assert [os.get_inheritable(fd) for fd in fds] == [False, False]
    for fd in fds:
        assert os.readlink(f"/proc/self/fd/{fd}") == "/dev/null"
        os.close(fd)
    ours.close()
    theirs.close()


def test_what_is_no_json_is_a_message_without_a_verb() -> None:
    ours, theirs = messages.pair()
    messages.send_raw(ours, b"{")
    assert messages.receive(theirs) == ({}, [])
    ours.close()
    theirs.close()


def test_the_head_of_a_request_can_be_split_off_unread() -> None:
    spec = {"process": {"terminal": True, "env": ["A=\n"]}, "linux": {"namespaces": []}}
    request = {"spec": spec, "log": {"directory": "/l"}, "stdin": True}
    first = head.head_of(request)  # type: ignore[arg-type]
    found, body = head.split(head.join(first, request))  # type: ignore[arg-type]
    assert found == first
    assert messages.decode(body) == request
    assert (found["log"], found["stdin"], found["terminal"]) == ("/l", True, True)


def test_last_words_are_heard_although_ours_were_not() -> None:
    ours, theirs = messages.pair()
    ours.send(b"unread")
    messages.send(theirs, {"failed": "why"})
    theirs.close()
    assert messages.receive(ours) == ({"failed": "why"}, [])
    assert messages.receive(ours) == (None, [])
    ours.close()
