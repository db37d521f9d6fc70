"""What readers held goes with the last of them."""

from pathlib import Path

from lading.logs import Cursor
from lading.logs.trim import trim
from lading.runtime.segments import OVERHEAD, STDOUT, SegmentWriter


def test_the_newest_segments_that_fit_are_kept(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=OVERHEAD + 10)
    for number in range(10):
        writer.write(STDOUT, b"%9d\n" % number)
    writer.close()
    trim(str(tmp_path), 3 * (OVERHEAD + 10))
    with Cursor(str(tmp_path)) as cursor:
        found = [record.payload for records in iter(cursor.read, []) for record in records]
    assert found == [b"%9d\n" % number for number in (7, 8, 9)]


def test_a_log_within_its_quota_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "00000001.seg").write_bytes(b"x" * 10)
    trim(str(tmp_path), 10)
    assert len(list(tmp_path.iterdir())) == 1
    trim(str(tmp_path / "absent"), 0)
