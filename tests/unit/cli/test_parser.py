"""Words are read as pflag reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.cli.command import Command
from lading.cli.failures import ArgumentError, FlagError, HelpWanted
from lading.cli.flags import BOOL, INT, LIST, MAP, STRING, Flag
from lading.cli.parser import Arguments, parse

FLAGS = (
    Flag("interactive", "i", BOOL, ""),
    Flag("tty", "t", BOOL, ""),
    Flag("sig-proxy", "", BOOL, "", default=True),
    Flag("env", "e", LIST, ""),
    Flag("memory", "m", STRING, ""),
    Flag("network", "", STRING, "", also=("net",)),
    Flag("number", "n", INT, "", default=-1),
    Flag("option", "o", MAP, ""),
)
RUN = Command("run", "IMAGE", "", FLAGS, least=1, interspersed=False)
PS = Command("ps", "", "", FLAGS, most=1)


class Words(Arguments):
    interactive: bool
    tty: bool
    sig_proxy: bool
    env: list[str]
    memory: str
    network: str
    number: int
    option: dict[str, str]


def read(text: str, command: Command = RUN) -> Words:
    return parse(text.split(), command, Words())


def test_letters_bundle_and_the_last_may_take_a_value() -> None:
    args = read("-itm64m busybox")
    assert (args.interactive, args.tty, args.memory) == (True, True, "64m")
    assert args.words == ["busybox"]


@pytest.mark.parametrize(
    "text", ["-m 64m x", "-m64m x", "-m=64m x", "--memory 64m x", "--memory=64m x"]
)
def test_a_value_follows_in_every_spelling(text: str) -> None:
    assert read(text).memory == "64m"


def test_a_value_may_look_like_a_flag_or_be_empty() -> None:
    assert read("--memory -t x").memory == "-t"
    assert read("--memory= x").memory == ""


def test_booleans_take_a_value_only_behind_an_equals_sign() -> None:
    args = read("--sig-proxy=false --tty=1 -i=F false")
    assert (args.sig_proxy, args.tty, args.interactive) == (False, True, False)
    assert args.words == ["false"]


def test_lists_grow_and_maps_gather() -> None:
    args = read("-e A=1 --env B=2 -o x=1 -o y=2=3 -o z img")
    assert args.env == ["A=1", "B=2"]
    assert args.option == {"x": "1", "y": "2=3", "z": ""}


def test_flags_end_at_the_image_for_what_follows_is_the_containers() -> None:
    assert read("-i busybox ls -t --x").words == ["busybox", "ls", "-t", "--x"]


def test_flags_may_stand_anywhere_where_nothing_follows() -> None:
    args = read("web -t", PS)
    assert args.tty
    assert args.words == ["web"]


def test_two_dashes_end_flags() -> None:
    assert read("-- -t", PS).words == ["-t"]
    assert read("- -t").words == ["-", "-t"]


def test_what_was_given_is_known_by_its_first_name() -> None:
    args = read("--net host -m= x")
    assert args.network == "host"
    assert args.given == {"network", "memory"}


def test_defaults_are_fresh_for_every_command_line() -> None:
    read("-e A x").env.append("B")
    assert read("x").env == []
    assert read("x").number == -1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--foo x", "unknown flag: --foo"),
        ("--inter x", "unknown flag: --inter"),
        ("-ix x", "unknown shorthand flag: 'x' in -ix"),
        ("--memory", "flag needs an argument: --memory"),
        ("-im", "flag needs an argument: 'm' in -im"),
        (
            "--tty=maybe x",
            'invalid argument "maybe" for "-t, --tty" flag: '
            'strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            "-n x y",
            'invalid argument "x" for "-n, --number" flag: '
            'strconv.ParseInt: parsing "x": invalid syntax',
        ),
        ("--=x", "bad flag syntax: --=x"),
    ],
)
def test_errors_are_in_pflags_words(text: str, message: str) -> None:
    with pytest.raises(FlagError) as caught:
        read(text)
    assert caught.value.message == message


@pytest.mark.parametrize("text", ["--help", "-h", "-ih", "--tty --help x"])
def test_help_wins_over_missing_arguments(text: str) -> None:
    with pytest.raises(HelpWanted):
        read(text)


def test_the_number_of_arguments_is_checked() -> None:
    with pytest.raises(ArgumentError, match=r"^{} requires at least 1 argument"):
        read("-i")
    with pytest.raises(ArgumentError, match=r"^{} requires at most 1 argument"):
        read("a b", PS)


@given(st.lists(st.text(max_size=6), max_size=8))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        args = parse(words, RUN, Words())
    except (FlagError, ArgumentError, HelpWanted):
        return
    assert args.words == words[len(words) - len(args.words) :]


@given(st.lists(st.text(max_size=6)))
def test_a_list_holds_what_was_typed(values: list[str]) -> None:
    words = [word for value in values for word in ("--env", value)]
    assert parse([*words, "x"], RUN, Words()).env == values
