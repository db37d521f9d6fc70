"""Every command's table is complete, typed and documented."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from lading.cli import flags, index
from lading.cli.dispatch import load
from lading.cli.parser import Arguments

if TYPE_CHECKING:
    from lading.cli.command import Command

FILES = sorted({*index.TOP.values(), *(f for g in index.GROUPS.values() for f in g.values())})
TYPES = {
    id(flags.BOOL): "bool",
    id(flags.INT): "int",
    id(flags.STRING): "str",
    id(flags.LIST): "list[str]",
    id(flags.MAP): "dict[str, str]",
    id(flags.BYTES): "int",
    id(flags.SWAP): "int",
    id(flags.CPUS): "int",
    id(flags.DURATION): "int",
    id(flags.FILTER): "dict[str, list[str]]",
}


def module_of(file: str) -> ModuleType:
    module: object = load(file)
    assert isinstance(module, ModuleType)
    return module


def arguments_of(module: ModuleType) -> type[Arguments]:
    """The most derived Arguments of the file."""
    classes = [
        c for _, c in inspect.getmembers(module, inspect.isclass) if issubclass(c, Arguments)
    ]
    return max(classes, key=lambda c: len(c.__mro__))


@pytest.mark.parametrize("file", FILES)
def test_each_flag_has_an_attribute_of_its_type(file: str) -> None:
    module = module_of(file)
    command: Command = module.COMMAND
    annotations: dict[str, str] = {}
    for ancestor in reversed(arguments_of(module).__mro__):
        annotations |= inspect.get_annotations(ancestor)
    for flag in command.flags:
        assert flag.destination in annotations, flag.name
        expected = TYPES.get(id(flag.kind))
        assert expected in (None, annotations[flag.destination]), flag.name
    extra = set(annotations) - {flag.destination for flag in command.flags} - {"words", "given"}
    assert extra <= {"detach"}  # `create` has no such flag, what it shares with `run` asks for it


@pytest.mark.parametrize("file", FILES)
def test_each_name_and_letter_is_there_once(file: str) -> None:
    command: Command = module_of(file).COMMAND
    names = [name for flag in command.flags for name in (flag.name, *flag.also)]
    letters = [flag.short for flag in command.flags if flag.short]
    assert len(set(names)) == len(names)
    assert len(set(letters)) == len(letters)
    assert "help" not in names


@pytest.mark.parametrize("file", FILES)
def test_each_command_says_what_it_does(file: str) -> None:
    command: Command = module_of(file).COMMAND
    assert command.summary
    assert not command.summary.endswith(".")
    assert all(flag.help and not flag.help.endswith(".") for flag in command.flags)


def test_hidden_names_exist_and_groups_have_summaries() -> None:
    assert set(index.GROUPS) == set(index.GROUP_SUMMARIES) == set(index.HIDDEN)
    for group, hidden in index.HIDDEN.items():
        assert hidden <= set(index.GROUPS[group])
    assert set(index.COMMON) <= set(index.TOP)


def test_every_file_of_the_folder_is_reached() -> None:
    import pkgutil

    from lading.cli import commands

    assert {module.name for module in pkgutil.iter_modules(commands.__path__)} == set(FILES)
