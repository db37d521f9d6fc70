"""What layers bring, replace and remove, and what that wastes."""

from hypothesis import given
from hypothesis import strategies as st

from lading.images.explore import ADDED, CHANGED, REMOVED, File, Layer, Member, Tree, Waste
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR


def file(path: str, size: int = 0) -> Member:
    return Member(path.encode(), REGULAR, size)


def folder(path: str) -> Member:
    return Member(path.encode(), DIRECTORY, 0)


def grown(*layers: list[Member]) -> tuple[list[Layer], list[Waste]]:
    tree = Tree()
    return [tree.add(layer) for layer in layers], tree.waste()


def test_a_file_that_is_replaced_wastes_its_bytes() -> None:
    layers, waste = grown([folder("./etc"), file("etc/a", 10)], [file("etc/a", 3), file("b", 1)])
    assert [layer.size for layer in layers] == [10, 4]
    assert layers[1].files == [File("etc/a", "file", 3, CHANGED), File("b", "file", 1, ADDED)]
    assert (layers[1].wasted, waste) == (10, [Waste("etc/a", 1, 10)])


def test_a_directory_that_is_removed_wastes_all_below_it() -> None:
    layers, waste = grown([file("d/a", 10), file("d/e/b", 20)], [file(".wh.d")])
    assert layers[1].files == [File("d", "directory", 30, REMOVED)]
    assert waste == [Waste("d/e/b", 1, 20), Waste("d/a", 1, 10)]


def test_an_opaque_directory_hides_what_is_below_and_not_its_own() -> None:
    layers, waste = grown([file("d/a", 10)], [file("d/new", 5), file("d/.wh..wh..opq")])
    assert [each.change for each in layers[1].files] == [ADDED, REMOVED]
    assert waste == [Waste("d/a", 1, 10)]


def test_an_opaque_marker_may_come_after_what_the_layer_puts_into_it() -> None:
    layers, waste = grown([file("d/s/a", 10)], [file("d/s/new", 5), file("d/.wh..wh..opq")])
    assert layers[1].wasted == 10
    assert waste == [Waste("d/s/a", 1, 10)]


def test_a_whiteout_of_nothing_and_aufs_bookkeeping_are_no_files() -> None:
    assert grown([file("x/.wh.none"), file(".wh..wh.plnk/1.2", 9)])[0][0].files == []


def test_a_directory_over_a_directory_keeps_what_is_in_it() -> None:
    layers, waste = grown([folder("d"), file("d/a", 10)], [folder("d")])
    assert layers[1].number(CHANGED) == 1
    assert waste == []


def test_a_second_name_of_a_file_costs_nothing() -> None:
    layers, _ = grown([file("a", 10), Member(b"b", HARDLINK, 10)])
    assert layers[0].size == 10


NAMES = st.sampled_from(["a", "b", "a/c", "a/d", ".wh.a", ".wh.b", "a/.wh.c", "a/.wh..wh..opq"])
MEMBERS = st.builds(
    lambda name, size: file(name, 0 if ".wh." in name else size), NAMES, st.integers(0, 9)
)


@given(st.lists(st.lists(MEMBERS, max_size=6), max_size=5))
def test_what_is_seen_and_what_is_wasted_are_all_there_is(layers: list[list[Member]]) -> None:
    tree = Tree()
    added = [tree.add(layer) for layer in layers]
    pending, seen = [tree._root], 0
    while pending:
        node = pending.pop()
        seen += node.size
        pending += node.children.values()
    assert sum(layer.size for layer in added) == seen + sum(layer.wasted for layer in added)
    assert sum(row.size for row in tree.waste()) == sum(layer.wasted for layer in added)
