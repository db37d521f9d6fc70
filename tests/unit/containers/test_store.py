"""Records come back as they were, names are unique, and one damaged row harms no other."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from lading.containers import store
from lading.containers.record import ContainerRecord, ContainerState, NameInUse
from lading.state import Database
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.mounts import Mount

MakeRecord = Callable[..., ContainerRecord]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "state.db"), [store.SCHEMA])
    yield opened
    opened.close()


def insert(database: Database, record: ContainerRecord) -> None:
    database.write_sync(partial(store.insert, record=record))


def update(database: Database, record: ContainerRecord) -> None:
    database.write_sync(partial(store.update, record=record))


def damage(database: Database, container_id: str, blob: bytes) -> None:
    def write(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE containers SET record = ? WHERE id = ?", (blob, container_id))

    database.write_sync(write)


def test_a_record_comes_back_as_it_was(database: Database, make_record: MakeRecord) -> None:
    record = make_record(
        config=ContainerConfig(image="base", cmd=["sh", "-c", "true"], labels={"a": "ä"}, tty=True),
        host=HostConfig(mounts=[Mount(type="bind", source="/s", target="/t")], memory=1 << 40),
        state=ContainerState(status="running", pid=7, start_time=99, started_ns=5),
    )
    insert(database, record)
    assert database.read(store.load) == ([record], {})


def test_records_are_in_order_of_creation(database: Database, make_record: MakeRecord) -> None:
    for digit, created_ns in (("a", 3), ("b", 1), ("c", 2)):
        insert(database, make_record(digit, name=digit, created_ns=created_ns))
    records, _ = database.read(store.load)
    assert [record.name for record in records] == ["b", "c", "a"]


def test_a_name_belongs_to_one_container(database: Database, make_record: MakeRecord) -> None:
    insert(database, make_record("a", name="web"))
    with pytest.raises(NameInUse, match=f'name "/web" is already in use by container "{"a" * 64}"'):
        insert(database, make_record("b", name="web"))


def test_a_container_cannot_be_renamed_to_anothers_name(
    database: Database, make_record: MakeRecord
) -> None:
    insert(database, make_record("a", name="web"))
    other = make_record("b", name="db")
    insert(database, other)
    with pytest.raises(NameInUse):
        update(database, replace(other, name="web"))


def test_a_name_left_by_renaming_is_free(database: Database, make_record: MakeRecord) -> None:
    record = make_record("a", name="web")
    insert(database, record)
    update(database, replace(record, name="old"))
    insert(database, make_record("b", name="web"))
    names = {record.name for record in database.read(store.load)[0]}
    assert names == {"old", "web"}


def test_a_name_left_by_removal_is_free(database: Database, make_record: MakeRecord) -> None:
    insert(database, make_record("a", name="web"))
    database.write_sync(partial(store.delete, container_id="a" * 64))
    insert(database, make_record("b", name="web"))
    assert [record.id for record in database.read(store.load)[0]] == ["b" * 64]


@pytest.mark.parametrize("blob", [b"", b"{", b"[]", b"{}", b'{"id": 7}', b"\xff\xfe", b"\0" * 40])
def test_a_damaged_record_is_set_aside_and_the_others_are_read(
    database: Database, make_record: MakeRecord, blob: bytes
) -> None:
    insert(database, make_record("a", name="broken"))
    insert(database, make_record("b", name="whole"))
    damage(database, "a" * 64, blob)
    records, damaged = database.read(store.load)
    assert [record.name for record in records] == ["whole"]
    assert list(damaged) == ["a" * 64]
    assert damaged["a" * 64].startswith("record of broken is damaged: ")


def test_a_damaged_record_keeps_its_row_and_its_name(
    database: Database, make_record: MakeRecord
) -> None:
    insert(database, make_record("a", name="web"))
    damage(database, "a" * 64, b"{")
    database.read(store.load)
    with pytest.raises(NameInUse):
        insert(database, make_record("b", name="web"))
