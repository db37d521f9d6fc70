"""A netlink socket: several requests in one send, one acknowledgement for all, errors in words.

The idea: the kernel works on a netlink send before `sendmsg` returns, message by message, so every
answer is already queued when it does. Only the last message of a send asks for an acknowledgement
(errors come unasked), which makes a send of four requests two system calls. A socket stays in the
network namespace in which it was opened, whatever its thread does later, and keeps that namespace
alive until it is closed.
"""

import errno
import os
import socket
import struct

from lading.kernel.netlink import codec

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12
SOL_NETLINK = 270
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11
NETLINK_GET_STRICT_CHK = 12

_BUFFER = 1 << 16  # a dump arrives in datagrams of at most 32 KiB (net/netlink/af_netlink.c)
_FLAGS_AND_SEQUENCE = struct.Struct("=HI")
_FLAGS_OFFSET = 6  # in nlmsghdr
_LAST_SEQUENCE = 0xF0000000  # then from the beginning, long before 32 bits are used up
_NO_ANSWER = errno.EPROTO


class NetlinkSocket:
    """One AF_NETLINK socket in the caller's present network namespace. Not for several threads."""

    def __init__(self, protocol: int = NETLINK_ROUTE) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
            self._socket.setsockopt(SOL_NETLINK, option, 1)
        self._sequence = 0

    def __enter__(self) -> "NetlinkSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; closing twice is harmless."""
        self._socket.close()

    @property
    def port(self) -> int:
        """What events call this socket."""
        if not self._socket.getsockname()[0]:
            self._socket.bind((0, 0))  # a port that the kernel chooses, as at the first request
        return int(self._socket.getsockname()[0])

    def request(self, *messages: bytes) -> None:
        """Send the messages at once and wait until the kernel has done them.

        Raises OSError with the kernel's words for the first that failed. Routing messages behind
        a failed one have been carried out all the same: each is its own transaction.
        """
        first, last = self._send(messages, acknowledge=len(messages) - 1)
        failure = self._await(first, last)
        if failure:
            raise failure

    def batch(self, begin: bytes, messages: list[bytes], end: bytes) -> None:
        """Send an nfnetlink transaction: all of it happens or nothing (batch of nf_tables)."""
        first, last = self._send((begin, *messages, end), acknowledge=len(messages))
        failure = self._await(first, last - 1)
        if failure:
            raise failure

    def get(self, message: bytes) -> bytes:
        """The body of the single answer to a GET request. Raises OSError."""
        first, _ = self._send((message,), acknowledge=-1)
        while True:  # what a failed request left behind may be in front of it
            for message_type, flags, sequence, body in self._receive():
                if sequence != first:
                    continue
                if message_type == codec.NLMSG_ERROR:
                    raise _error(*codec.parse_error(flags, body))
                return body

    def dump(self, message: bytes) -> list[tuple[int, bytes]]:
        """All (type, body) that a GET request with NLM_F_DUMP answers. Raises OSError."""
        while True:
            found, interrupted = self._dump_once(message)
            if not interrupted:
                return found

    def _dump_once(self, message: bytes) -> tuple[list[tuple[int, bytes]], bool]:
        """One dump, and whether the table changed under it, so that rows may miss or come twice."""
        first, _ = self._send((message,), acknowledge=-1)
        found: list[tuple[int, bytes]] = []
        interrupted = False
        while True:
            for message_type, flags, sequence, body in self._receive():
                if sequence != first:
                    continue
                interrupted = interrupted or bool(flags & codec.NLM_F_DUMP_INTR)
                if message_type == codec.NLMSG_ERROR:
                    raise _error(*codec.parse_error(flags, body))
                if message_type == codec.NLMSG_DONE:
                    if code := codec.parse_error(0, body)[0]:
                        raise _error(code, "")
                    return found, interrupted
                found.append((message_type, body))

    def _send(self, messages: tuple[bytes, ...], *, acknowledge: int) -> tuple[int, int]:
        """Number the messages and send them as one; the first and the last number."""
        if self._sequence > _LAST_SEQUENCE:
            self._sequence = 0
        first = self._sequence + 1
        buffer = bytearray().join(messages)
        offset = 0
        for index, message in enumerate(messages):
            self._sequence += 1
            (flags,) = struct.unpack_from("=H", buffer, offset + _FLAGS_OFFSET)
            if index == acknowledge:
                flags |= codec.NLM_F_ACK
            _FLAGS_AND_SEQUENCE.pack_into(buffer, offset + _FLAGS_OFFSET, flags, self._sequence)
            offset += len(message)
        self._socket.send(buffer)
        return first, self._sequence

    def _await(self, first: int, last: int) -> OSError | None:
        """Read until the message numbered `last` is answered; the first error, or None."""
        failure = None
        while True:
            for message_type, flags, sequence, body in self._receive():
                if message_type != codec.NLMSG_ERROR or not first <= sequence <= last:
                    continue  # an answer that an interrupted call left behind
                code, said = codec.parse_error(flags, body)
                if code and failure is None:
                    failure = _error(code, said)
                # the number of a batch's begin stands for the whole batch: nothing follows it
                if sequence == last or (code and sequence == first):
                    return failure

    def _receive(self) -> list[tuple[int, int, int, bytes]]:
        try:
            return codec.parse_messages(self._socket.recv(_BUFFER, socket.MSG_DONTWAIT))
        except BlockingIOError:
            raise _error(_NO_ANSWER, "the kernel did not answer") from None


def _error(code: int, said: str) -> OSError:
    return OSError(code, f"{os.strerror(code)}: {said}" if said else os.strerror(code))
