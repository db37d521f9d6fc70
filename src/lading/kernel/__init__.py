"""The kernel's doors, one file per facility, functions named as the man page names them.

Everything here is synchronous, raises `OSError` as the kernel answers, and knows nothing of
containers. Nothing is imported here: a monitor pays for every module it holds in memory.
"""
