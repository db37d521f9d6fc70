"""What went through the interfaces of a network namespace. man 5 proc, /proc/PID/net/dev."""

NAMES = ("bytes", "packets", "errors", "dropped")  # the first four columns of each direction
COLUMNS = 8  # of each direction


def read(pid: int) -> dict[str, dict[str, int]]:
    """Counters by interface, `rx_bytes` to `tx_dropped`, of the namespace that a process is in.

    The loopback is left out. Raises OSError when there is no such process.
    """
    with open(f"/proc/{pid}/net/dev", encoding="ascii", errors="replace") as file:
        return parse(file.read())


def parse(text: str) -> dict[str, dict[str, int]]:
    """Two lines of headings, then `eth0: 1296 16 0 0 ...`."""
    found = {}
    for line in text.splitlines()[2:]:
        name, _, rest = line.strip().rpartition(":")
        numbers = [int(word) for word in rest.split()]
        if name and name != "lo" and len(numbers) >= 2 * COLUMNS:
            received = zip((f"rx_{n}" for n in NAMES), numbers, strict=False)
            sent = zip((f"tx_{n}" for n in NAMES), numbers[COLUMNS:], strict=False)
            found[name] = dict([*received, *sent])
    return found
