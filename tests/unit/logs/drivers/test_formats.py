"""The bytes on the wire, where receivers do not show them."""

from lading.logs.driver import Place
from lading.logs.drivers import gelf, journald
from lading.logs.drivers.gelf import datagrams, fields_of
from lading.logs.drivers.syslog import formatter
from lading.logs.messages import Message
from lading.logs.tag import TagSource
from lading.runtime.segments import STDOUT

NOON_NS = 1_796_040_000_123_456_789  # 2026-11-30 12:00:00 UTC
SOURCE = TagSource("a" * 64, "web", "sha256:" + "b" * 64, "base", "sh", "host", created_ns=NOON_NS)
MESSAGE = Message(STDOUT, NOON_NS, b"hello")


def test_a_message_of_rfc_5424_bears_the_time_of_its_line() -> None:
    words = formatter("rfc5424micro", "web")(30, MESSAGE).split(b" ")
    assert words[0] == b"<30>1"
    assert words[1].startswith(b"2026-11-30T")
    assert b":00.123456" in words[1]
    assert [words[3], *words[5:]] == [b"web", b"web", b"-", b"hello"]


def test_a_day_below_ten_is_padded_with_a_space() -> None:
    first = Message(STDOUT, NOON_NS + 86_400 * 10**9, b"x")  # 1 December
    assert formatter("", "web")(30, first).startswith(b"<30>Dec  1 ")


def test_a_large_document_goes_out_in_chunks_of_an_mtu() -> None:
    found = datagrams(b"x" * 5000, b"12345678")
    assert [len(packet) for packet in found] == [1420, 1420, 1420, 788]
    assert [packet[:12] for packet in found] == [
        b"\x1e\x0f12345678" + bytes((number, 4)) for number in range(4)
    ]


def test_extra_fields_of_gelf_begin_with_one_underscore() -> None:
    place = Place(SOURCE, "", {}, {"role": "db", "_own": "1"})
    fields = fields_of(place)
    assert fields["_role"] == "db"
    assert fields["_own"] == "1"
    assert fields["_created"] == "2026-11-30T12:00:00.123456789Z"
    assert fields["_container_name"] == "web"


def test_gelf_tells_milliseconds() -> None:
    head = gelf.head_of({"version": "1.1"})
    expected = b'{"version":"1.1","short_message":"hello","timestamp":1796040000.123,"level":6}'
    assert gelf.document(head, MESSAGE) == expected


def test_a_value_of_several_lines_is_written_with_its_length() -> None:
    assert journald.field("A", b"x") == b"A=x\n"
    assert journald.field("A", b"x\ny") == b"A\n\x03\0\0\0\0\0\0\0x\ny\n"


def test_names_of_labels_become_names_of_the_journal() -> None:
    assert journald.journal_name("_com.example/a-b") == "COM_EXAMPLE_A_B"
