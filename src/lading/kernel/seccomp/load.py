"""Install a compiled filter on the calling thread. Loaded in every container's monitor."""

from lading.kernel.c_types import Structure, byref, c_char_p, c_uint, c_ushort, c_void_p
from lading.kernel.syscall import function

# include/uapi/linux/seccomp.h
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1 << 0
SECCOMP_FILTER_FLAG_LOG = 1 << 1
SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2
SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5

FLAGS = {  # OCI linux.seccomp.flags
    "SECCOMP_FILTER_FLAG_TSYNC": SECCOMP_FILTER_FLAG_TSYNC,
    "SECCOMP_FILTER_FLAG_LOG": SECCOMP_FILTER_FLAG_LOG,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
}
_INSTRUCTION_BYTES = 8  # struct sock_filter


class sock_fprog(Structure):
    """struct sock_fprog { unsigned short len; struct sock_filter *filter; }"""

    _fields_ = (("len", c_ushort), ("filter", c_char_p))


_seccomp = function("seccomp", c_uint, c_uint, c_void_p)


def load_filter(program: bytes, *, flags: int = 0) -> int:
    """Put the filter on this thread and all its future children; it cannot be taken off.

    Needs CAP_SYS_ADMIN in the user namespace or no_new_privs, else EACCES; EINVAL for a program
    the kernel does not accept. Returns 0, or with SECCOMP_FILTER_FLAG_NEW_LISTENER a descriptor
    (O_CLOEXEC) that receives the calls answered by NOTIFY. man 2 seccomp.
    """
    prog = sock_fprog(len(program) // _INSTRUCTION_BYTES, program)
    return _seccomp(SECCOMP_SET_MODE_FILTER, flags, byref(prog))
