"""The contract of snapshot drivers: every driver passes this file, real mounts included.

What a driver promises is told in lading/storage/snapshots/driver.py; each promise is a test here.
"""

import io
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lading import errors
from lading.containers.files import serving
from lading.errors import Conflict
from lading.kernel import mount, quota
from lading.state import Database
from lading.storage.durable import RootInUse
from lading.storage.layers import whiteout as marks
from lading.storage.snapshots import (
    SCHEMA,
    BtrfsDriver,
    Driver,
    FuseOverlayDriver,
    NativeDriver,
    NoQuota,
    Overlay,
    OverlayDriver,
    SnapshotExists,
    SnapshotInUse,
    SnapshotNotFound,
    UserOverlayDriver,
    open_driver,
    store,
)
from lading.storage.unpack import unpack_layer

Kind = OverlayDriver | NativeDriver | BtrfsDriver
InMountNamespace = Callable[[Callable[[], object]], None]


class Engine:
    """A driver with its database, that can be killed (dropped) and started again."""

    def __init__(self, root: Path, kind: Callable[[str, Database], Kind]) -> None:
        self.root = root
        self.kind = kind
        self.open()

    def open(self) -> None:
        self.database = Database(str(self.root / "state.db"), [SCHEMA])
        self.opened = self.kind(str(self.root / "snapshots"), self.database)
        self.driver: Driver = self.opened

    def close(self) -> None:
        self.opened.close()
        self.database.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def trash(self) -> list[str]:
        return os.listdir(self.root / "snapshots/trash")


@pytest.fixture(scope="module")
def btrfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system in a file; the tests that want it are skipped where there is none."""
    place = tmp_path_factory.mktemp("btrfs")
    image, point = place / "image", place / "mounted"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(512 << 20)
    if not shutil.which("mkfs.btrfs"):
        pytest.skip("mkfs.btrfs is not installed")
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, point], capture_output=True).returncode:
        pytest.skip("this host cannot mount btrfs")
    yield point
    subprocess.run(["umount", "-l", point], check=True)


DRIVERS = [OverlayDriver, UserOverlayDriver, FuseOverlayDriver, NativeDriver, BtrfsDriver]


@pytest.fixture(params=DRIVERS, ids=lambda kind: kind.name)
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    root = tmp_path
    if request.param is FuseOverlayDriver and not shutil.which("fuse-overlayfs"):
        pytest.skip("fuse-overlayfs is not installed")
    if request.param is BtrfsDriver:
        root = request.getfixturevalue("btrfs") / tmp_path.name
        root.mkdir()
    engine = Engine(root, request.param)
    yield engine
    engine.close()
    marks.choose_marks(by_user_xattrs=False, by_files=False)


@pytest.fixture
def driver(engine: Engine) -> Driver:
    return engine.driver


def publish(driver: Driver, chain_id: str, parent: str | None = None, **files: str) -> None:
    tree = Path(driver.stage("staged"))
    for name, content in files.items():
        (tree / name).write_text(content)
    driver.commit("staged", chain_id, parent)


def seen(driver: Driver, key: str, point: Path) -> Path:
    """A container's merged tree; call it in a mount namespace of one's own."""
    return mounted(driver.mount(key), point)


def changes(driver: Driver, key: str, without: frozenset[bytes] = frozenset()) -> list[str]:
    """The names in the tar of a container's changes."""
    buffer = io.BytesIO()
    driver.write_diff(key, buffer.write, without=without)
    buffer.seek(0)
    return tarfile.open(fileobj=buffer).getnames()


def whiteout(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


def mounted(overlay: Overlay, target: Path) -> Path:
    """Mount what a driver prepared; a container without an image gets its plain directory."""
    target.mkdir()
    if not overlay.lower:
        mount.mount(overlay.upper, str(target), "", mount.MS_BIND)
        return target
    if overlay.server:
        serving.attach(overlay, str(target))
        return target
    context = mount.fsopen("overlay")
    for layer in overlay.lower:
        mount.fsconfig_set_string(context, "lowerdir+", layer)
    mount.fsconfig_set_string(context, "upperdir", overlay.upper)
    mount.fsconfig_set_string(context, "workdir", overlay.work)
    if overlay.userxattr:
        mount.fsconfig_set_flag(context, "userxattr")
    mount.fsconfig_create(context)
    descriptor = os.open(target, os.O_PATH | os.O_DIRECTORY)
    mount.move_mount(mount.fsmount(context), descriptor)
    return target


# layers


def test_a_staged_directory_is_empty_and_only_a_layer_after_commit(driver: Driver) -> None:
    tree = driver.stage("k")
    assert os.listdir(tree) == []
    assert stat.S_IMODE(os.stat(tree).st_mode) == 0o755
    assert not driver.exists("one")
    driver.commit("k", "one", None)
    assert driver.exists("one")


def test_a_key_is_staged_once(driver: Driver) -> None:
    driver.stage("k")
    with pytest.raises(SnapshotExists, match="snapshot already exists: k"):
        driver.stage("k")


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "../a", ".hidden", "a\0b", "k" * 300])
def test_a_key_is_a_file_name(driver: Driver, key: str) -> None:
    for use in (driver.stage, driver.remove, driver.mount, driver.usage):
        with pytest.raises(errors.InvalidArgument):
            use(key)


def test_a_chain_is_listed_top_first(driver: Driver) -> None:
    publish(driver, "one", name="1")
    publish(driver, "two", "one", name="2")
    publish(driver, "three", "two", name="3")
    trees = driver.layer_directories("three")
    if isinstance(driver, OverlayDriver):
        assert [(Path(tree) / "name").read_text() for tree in trees] == ["3", "2", "1"]
    else:
        assert [(Path(tree) / "name").read_text() for tree in trees] == ["3"]
    assert driver.layer_directories(None) == []


def test_a_layer_that_is_there_already_is_not_published_twice(driver: Driver) -> None:
    publish(driver, "one", name="first")
    publish(driver, "one", name="second")
    [tree] = driver.layer_directories("one")
    assert (Path(tree) / "name").read_text() == "first"
    driver.stage("staged")  # the key is free again


def test_committing_what_does_not_exist_is_an_error(driver: Driver) -> None:
    with pytest.raises(SnapshotNotFound, match="no such snapshot: k"):
        driver.commit("k", "one", None)
    with pytest.raises(SnapshotNotFound, match="no such snapshot: nowhere"):
        publish(driver, "two", "nowhere")
    assert not driver.exists("two")


def test_a_layer_may_inherit_the_look_of_its_root(driver: Driver) -> None:
    os.chmod(driver.stage("a"), 0o711)
    driver.commit("a", "one", None)
    driver.stage("b")
    driver.commit("b", "two", "one", inherit_root=True)
    assert stat.S_IMODE(os.stat(driver.layer_directories("two")[0]).st_mode) == 0o711


def test_a_layer_is_removed_when_nothing_stands_on_it(driver: Driver) -> None:
    publish(driver, "one")
    publish(driver, "two", "one")
    driver.prepare("c", "two")
    with pytest.raises(SnapshotInUse, match="snapshot one is in use by two"):
        driver.remove_layer("one")
    with pytest.raises(SnapshotInUse, match="snapshot two is in use by c"):
        driver.remove_layer("two")
    driver.remove("c")
    driver.remove_layer("two")
    driver.remove_layer("one")
    assert not driver.exists("one")
    with pytest.raises(SnapshotNotFound):
        driver.remove_layer("one")


# writable layers


def test_a_container_sees_its_layers_and_changes_only_its_own(
    driver: Driver, tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    publish(driver, "one", kept="1", replaced="1", removed="1")
    tree = Path(driver.stage("k"))
    (tree / "replaced").write_text("2")
    whiteout(tree / "removed")
    driver.commit("k", "two", "one")
    driver.prepare("c", "two")
    overlay = driver.mount("c")

    def check() -> None:
        root = mounted(overlay, tmp_path / "merged")
        assert {p.name: p.read_text() for p in root.iterdir()} == {"kept": "1", "replaced": "2"}
        (root / "kept").write_text("changed")
        (root / "replaced").unlink()
        (root / "new").write_text("new")

    in_mount_namespace(check)
    assert changes(driver, "c") == [".", ".wh.replaced", "kept", "new"]
    assert changes(driver, "c", frozenset([b"new"])) == [".", ".wh.replaced", "kept"]
    assert driver.usage("c")[0] == len("changed") + len("new")
    assert driver.chain_bytes("c") == len("1") * 3 + len("2")
    listed = driver.changes("c")
    if isinstance(driver, OverlayDriver):
        assert listed is None  # the upper directory tells
    else:
        assert listed == [(b"replaced", None), (b"kept", False), (b"new", True)]
    top, bottom = driver.layer_directories("two")[0], driver.layer_directories("one")[0]
    assert Path(bottom, "kept").read_text() == "1"
    assert Path(top, "replaced").read_text() == "2"


def test_the_changes_of_a_container_make_the_same_tree_again(
    driver: Driver, tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    tree = Path(driver.stage("k"))
    for name in ("d/same", "d/gone", "e/f/deep", "linked"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "link").symlink_to("linked")
    driver.commit("k", "one", None)
    driver.prepare("c", "one")

    def change() -> None:
        root = mounted(driver.mount("c"), tmp_path / "merged")
        (root / "d/gone").unlink()
        (root / "d/fresh").write_text("fresh")
        (root / "e/f/deep").chmod(0o4755)
        shutil.rmtree(root / "e/f")
        (root / "e/f").mkdir(0o700)
        os.link(root / "d/fresh", root / "again")
        os.mkfifo(root / "fifo")
        (root / "link").unlink()
        (root / "link").symlink_to("elsewhere")

    in_mount_namespace(change)
    buffer = io.BytesIO()
    driver.write_diff("c", buffer.write)
    buffer.seek(0)
    unpacked = unpack_layer(driver, buffer, parent="one")
    driver.prepare("d", unpacked.chain_id)

    def look() -> None:
        first = seen(driver, "c", tmp_path / "first")
        second = seen(driver, "d", tmp_path / "second")
        for root in (first, second):
            assert sorted(str(p.relative_to(root)) for p in root.rglob("*")) == [
                "again", "d", "d/fresh", "d/same", "e", "e/f", "fifo", "link", "linked",
            ]  # fmt: skip
            assert (root / "again").stat().st_ino == (root / "d/fresh").stat().st_ino
            assert (root / "link").readlink() == Path("elsewhere")
            assert stat.S_IMODE((root / "e/f").stat().st_mode) == 0o700
        assert (first / "d").stat().st_mtime_ns == (second / "d").stat().st_mtime_ns

    in_mount_namespace(look)


def test_an_opaque_directory_hides_what_is_below(
    driver: Driver, tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    for key, parent, name in (("one", None, "old"), ("two", "one", "new")):
        tree = Path(driver.stage(key))
        (tree / "d").mkdir()
        (tree / "d" / name).write_text(name)
        if parent:
            directory = os.open(tree / "d", os.O_RDONLY)
            marks.make_opaque(directory)
            os.close(directory)
        driver.commit(key, key, parent)
    driver.prepare("c", "two")
    overlay = driver.mount("c")
    in_mount_namespace(
        lambda: expect(os.listdir(mounted(overlay, tmp_path / "merged") / "d"), ["new"])
    )


def expect(actual: object, expected: object) -> None:
    assert actual == expected


def test_three_hundred_layers_can_be_mounted(
    driver: Driver, tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    if not isinstance(driver, OverlayDriver):
        pytest.skip("a container has one tree here, whatever the number of layers")
    parent = None
    for number in range(300):
        publish(driver, f"layer{number}", parent, **{f"f{number}": ""})
        parent = f"layer{number}"
    driver.prepare("c", parent)
    overlay = driver.mount("c")
    in_mount_namespace(lambda: expect(len(os.listdir(mounted(overlay, tmp_path / "merged"))), 300))


def test_a_committed_container_is_a_layer(driver: Driver) -> None:
    publish(driver, "one")
    driver.prepare("c", "one")
    (Path(driver.mount("c").upper) / "f").write_text("written")
    driver.commit("c", "two", "one")
    assert (Path(driver.layer_directories("two")[0]) / "f").read_text() == "written"
    with pytest.raises(SnapshotNotFound):
        driver.mount("c")


def test_the_root_of_a_container_looks_as_in_the_image(driver: Driver) -> None:
    tree = driver.stage("k")
    os.chmod(tree, 0o1711)
    os.chown(tree, 3, 4)
    driver.commit("k", "one", None)
    driver.prepare("c", "one")
    status = os.stat(driver.mount("c").upper)
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o1711, 3, 4)


def test_a_container_needs_no_image(driver: Driver) -> None:
    driver.prepare("c", None)
    assert driver.mount("c").lower == []


def test_a_container_is_prepared_once_and_on_what_exists(driver: Driver) -> None:
    driver.prepare("c", None)
    with pytest.raises(SnapshotExists):
        driver.prepare("c", None)
    with pytest.raises(SnapshotNotFound, match="no such snapshot: nowhere"):
        driver.prepare("d", "nowhere")
    driver.remove("d")
    driver.prepare("d", None)


def test_the_row_of_a_container_may_be_written_by_the_caller(engine: Engine) -> None:
    driver = engine.driver
    publish(driver, "one")
    driver.prepare("c", "one", record=False)
    with pytest.raises(SnapshotNotFound):
        driver.mount("c")
    engine.database.write_sync(lambda c: store.insert_active(c, "c", "one", 1))
    assert driver.mount("c").upper
    engine.database.write_sync(lambda c: store.delete_active(c, "c"))
    driver.remove("c", record=False)
    assert os.listdir(engine.root / "snapshots/active") == []


def test_a_layer_cannot_vanish_below_a_container_that_is_being_recorded(engine: Engine) -> None:
    driver = engine.driver
    publish(driver, "one")
    driver.prepare("c", "one", record=False)
    driver.remove_layer("one")
    with pytest.raises(SnapshotNotFound, match="one"):
        engine.database.write_sync(lambda c: store.insert_active(c, "c", "one", 1))


def test_usage_counts_what_the_container_wrote(driver: Driver) -> None:
    publish(driver, "one", big="x" * 5000)
    driver.prepare("c", "one")
    upper = Path(driver.mount("c").upper)
    (upper / "f").write_text("x" * 100)
    (upper / "d").mkdir()
    os.link(upper / "f", upper / "d" / "g")
    assert driver.usage("c")[0] in (100, 200)  # a hard link may count as what it is in the tar
    with pytest.raises(SnapshotNotFound):
        driver.usage("nothing")


# removal


def test_what_was_removed_is_deleted_by_the_sweep(engine: Engine) -> None:
    driver = engine.driver
    driver.prepare("c", None)
    (Path(driver.mount("c").upper) / "f").write_text("x")
    driver.stage("k")
    driver.remove("c")
    driver.remove("k")
    driver.remove("c")
    with pytest.raises(SnapshotNotFound):
        driver.mount("c")
    assert len(engine.trash()) == 2
    assert driver.sweep() == []
    assert engine.trash() == []


def test_the_sweep_stops_at_mounts_and_tells(
    engine: Engine, tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    driver = engine.driver
    driver.prepare("c", None)
    upper = Path(driver.mount("c").upper)
    (upper / "volume").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/data").write_text("x")

    def check() -> None:
        mount.mount(str(tmp_path / "precious"), str(upper / "volume"), "", mount.MS_BIND)
        driver.remove("c", record=False)
        faults = driver.sweep()
        if driver.name == "btrfs":  # a subvolume goes as a whole, and what is mounted in it stays
            assert faults == []
        else:
            assert ["ross-device" in fault for fault in faults] == [True]

    in_mount_namespace(check)
    assert (tmp_path / "precious/data").read_text() == "x"
    assert driver.sweep() == []
    assert engine.trash() == []


# start


def test_layers_and_containers_survive_a_restart(engine: Engine) -> None:
    publish(engine.driver, "one", f="1")
    engine.driver.prepare("c", "one")
    engine.restart()
    assert engine.driver.recover() == ([], [], [])
    assert engine.driver.exists("one")
    assert engine.driver.mount("c").upper
    publish(engine.driver, "two", "one", f="2")
    assert engine.driver.layer_directories("two")[0] != engine.driver.layer_directories("one")[0]


def test_unfinished_work_is_dropped_at_start(engine: Engine) -> None:
    engine.driver.stage("half")
    engine.driver.prepare("c", None, record=False)
    (engine.root / "snapshots/layers/7/fs").mkdir(parents=True)
    engine.restart()
    assert engine.driver.recover().discarded == ["active/c", "layers/7", "staging/half"]
    assert engine.driver.recover() == ([], [], [])
    assert len(engine.trash()) == 3


def test_what_was_lost_is_told_and_can_be_pulled_again(engine: Engine) -> None:
    publish(engine.driver, "one")
    publish(engine.driver, "two", "one")
    engine.driver.prepare("c", "two")
    engine.driver.prepare("d", "two")
    top = engine.driver.layer_directories("two")[0]
    lost = [engine.driver.layer_directories("one")[0], engine.driver.mount("c").upper]
    assert top not in lost
    for tree in lost:
        os.rename(os.path.dirname(tree), engine.root / os.path.basename(os.path.dirname(tree)))
    engine.restart()
    recovery = engine.driver.recover()
    assert (recovery.missing_keys, recovery.missing_layers) == (["c"], ["one"])
    assert not engine.driver.exists("two")
    publish(engine.driver, "one")
    assert engine.driver.exists("two")
    assert engine.driver.mount("d").upper


def test_a_root_is_read_by_the_driver_that_made_it(engine: Engine) -> None:
    engine.close()
    others = {"overlay2": "vfs", "vfs": "overlay2", "btrfs": "vfs"}
    others |= {"fuse-overlayfs": "overlay2"}
    others["overlay2-userxattr"] = "overlay2"  # whose marks are other ones
    other = others[engine.driver.name]
    with pytest.raises(Conflict, match=f"was made by the storage driver {engine.driver.name}"):
        open_driver(other, str(engine.root / "snapshots"), engine.database)
    engine.open()


def test_two_engines_never_share_a_root(engine: Engine) -> None:
    with pytest.raises(RootInUse, match="in use by another engine"):
        engine.kind(str(engine.root / "snapshots"), engine.database)


# bounds


def fill(path: Path, size: int) -> int:
    """Write as a container does, without CAP_SYS_RESOURCE, which no quota holds; what was taken."""
    words = ["dd", "if=/dev/urandom", f"of={path}", "bs=1M", f"count={size >> 20}", "conv=fsync"]
    dropped = ["setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource"]
    subprocess.run([*dropped, *words], capture_output=True)
    return path.stat().st_size


def look_at_bounds(driver: Driver) -> None:
    """One writable layer is bounded, the other is not, and a bound ends with its layer."""
    publish(driver, "one", name="content")
    driver.prepare("c", "one", size_bytes=8 << 20)
    driver.prepare("free", "one")
    assert fill(Path(driver.mount("c").upper) / "large", 32 << 20) <= 8 << 20
    assert fill(Path(driver.mount("free").upper) / "large", 32 << 20) == 32 << 20
    driver.remove("c")
    assert driver.sweep() == []


def test_a_subvolume_is_bounded(btrfs: Path, tmp_path: Path) -> None:
    root = btrfs / tmp_path.name
    root.mkdir()
    engine = Engine(root, BtrfsDriver)
    look_at_bounds(engine.driver)
    engine.close()


@pytest.fixture(params=["ext4", "xfs"])
def with_quotas(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system with project quotas; many kernels are built without them."""
    image, point = tmp_path / "image", tmp_path / "mounted"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(400 << 20)
    flags = ["-q", "-O", "quota,project"] if request.param == "ext4" else ["-q"]
    if not shutil.which(f"mkfs.{request.param}"):
        pytest.skip(f"mkfs.{request.param} is not installed")
    subprocess.run([f"mkfs.{request.param}", *flags, image], check=True)
    words = ["mount", "-o", "loop,prjquota", str(image), str(point)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip(f"this kernel has no project quotas for {request.param}")
    yield point
    subprocess.run(["umount", "-l", point], check=True)


@pytest.mark.parametrize("kind", [OverlayDriver, NativeDriver])
def test_a_directory_is_bounded_where_there_are_project_quotas(
    with_quotas: Path, kind: Callable[[str, Database], Kind]
) -> None:
    engine = Engine(with_quotas, kind)
    look_at_bounds(engine.driver)
    # the bound of a layer whose engine was killed goes, too
    engine.driver.prepare("lost", "one", record=False, size_bytes=8 << 20)
    place = os.open(with_quotas / "snapshots/active/lost", os.O_RDONLY)
    project = quota.project_of(place)
    assert quota.project_usage(place, project)[0] == 8 << 20
    engine.restart()
    engine.driver.recover()
    assert engine.driver.sweep() == []
    assert quota.project_usage(place, project)[0] == 0
    os.close(place)
    engine.close()


@pytest.mark.parametrize("kind", [OverlayDriver, NativeDriver])
def test_a_bound_is_refused_where_there_are_no_quotas(
    tmp_path: Path, kind: Callable[[str, Database], Kind]
) -> None:
    engine = Engine(tmp_path, kind)
    try:
        engine.driver.prepare("c", None, size_bytes=8 << 20)
    except NoQuota as error:
        refused = str(error)
    else:
        pytest.skip("the temporary directory is on a file system with project quotas")
    assert refused == (
        "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
    )
    engine.driver.prepare("c", None)  # nothing was left of the refused one
    engine.close()
