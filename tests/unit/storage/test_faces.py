"""What a package of the room names in __all__ is there, and each name is sorted into its place."""

import importlib

import pytest


@pytest.mark.parametrize("room", ["content", "layers", "snapshots"])
def test_the_face_of_a_package_is_complete(room: str) -> None:
    module = importlib.import_module(f"lading.storage.{room}")
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert module.__all__ == sorted(module.__all__, key=lambda name: (not name.isupper(), name))
