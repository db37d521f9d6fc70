"""A filter on a socket that lets nothing in (SO_ATTACH_FILTER, man 7 socket, Linux BPF)."""

import ctypes
import socket
import struct

SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_RETURN_CONSTANT = 0x06  # BPF_RET | BPF_K


def drop_all(target: socket.socket) -> None:
    """Whatever arrives at the socket is dropped, connections too: nobody gets an answer."""
    instruction = ctypes.create_string_buffer(struct.pack("=HBBI", _RETURN_CONSTANT, 0, 0, 0), 8)
    # struct sock_fprog: a length, and where the instructions are
    program = struct.pack("@HP", 1, ctypes.addressof(instruction))
    target.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
