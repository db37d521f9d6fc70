"""Records made into whole lines for drivers, with what is needed to go on after a restart."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from lading.logs.cursor import Record
from lading.logs.driver import Chunk
from lading.logs.lines import PARTIAL, marker_text


class Unfinished(Struct):
    """A line that has begun: its time and what of it has not been handed out."""

    time_ns: int = 0
    text: bytes = b""


class Assembler:
    """Keeps the unfinished line of each stream until its end comes, or PARTIAL bytes of it."""

    def __init__(self, unfinished: dict[int, Unfinished] | None = None) -> None:
        self.unfinished = unfinished or {}

    def feed(self, records: Iterable[Record]) -> Iterator[Chunk]:
        """The lines that these records complete."""
        for record in records:
            if record.is_marker:
                yield Chunk(record.stream, record.time_ns, marker_text(record))
            else:
                yield from self._complete(record)

    def flush(self) -> Iterator[Chunk]:
        """What was never ended."""
        for stream, line in sorted(self.unfinished.items()):
            yield Chunk(stream, line.time_ns, line.text)
        self.unfinished.clear()

    def _complete(self, record: Record) -> Iterator[Chunk]:
        text, begun = record.payload, self.unfinished.pop(record.stream, None)
        if begun is not None:
            cut = text.find(b"\n") + 1
            if not cut and len(begun.text) + len(text) <= PARTIAL:
                begun.text += text
                self.unfinished[record.stream] = begun
                return
            yield Chunk(record.stream, begun.time_ns, begun.text + text[: cut or len(text)])
            text = text[cut:] if cut else b""
        cut = text.rfind(b"\n") + 1
        if len(text) - cut > PARTIAL:
            cut = len(text)
        if cut:
            yield Chunk(record.stream, record.time_ns, text[:cut])
        if cut < len(text):
            self.unfinished[record.stream] = Unfinished(record.time_ns, text[cut:])
