"""What a tab offers."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from lading.cli import completing
from lading.cli.commands.completion import SCRIPTS

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = {"HOME": "/nowhere", "LADING_HOST": "unix:///nowhere.sock"}


def offered(*words: str) -> list[str]:
    return [line.partition("\t")[0] for line in completing.candidates(words, NOWHERE)]


def test_commands_groups_and_members() -> None:
    assert offered("att") == ["attach"]
    assert {"container", "run", "ps"} <= set(offered(""))
    assert offered("container", "re") == ["rename", "restart"]
    assert offered("-H", "x", "context", "u") == ["update", "use"]
    assert offered("nonsense", "") == []


def test_flags_but_hidden_ones() -> None:
    assert offered("run", "--health-s") == ["--health-start-interval", "--health-start-period"]
    assert offered("run", "--io-") == []
    assert offered("--tlsc") == ["--tlscacert", "--tlscert"]


def test_an_engine_that_does_not_answer_has_no_names() -> None:
    assert offered("stop", "") == offered("rmi", "") == []
    assert offered("completion", "") == ["bash", "fish", "zsh"]


def test_names_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        {"Names": ["/web"], "Image": "base", "Status": "Up"},
        {"Names": ["/db"], "Image": "base", "Status": "Up"},
    ]
    monkeypatch.setattr(completing, "_ask", lambda *_: found)
    assert completing.candidates(["stop", "w"], NOWHERE) == ["web\tbase, Up"]
    assert offered("stop", "web", "") == ["db"]
    assert offered("logs", "web", "") == []
    assert offered("exec", "-u", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_understands_its_script(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(SCRIPTS[shell])
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_bash_completes_by_the_script(tmp_path: Path) -> None:
    (tmp_path / "lading").write_text('#!/bin/sh\nprintf "%s\\\\tx\\\\n" "$*" two\n')
    (tmp_path / "lading").chmod(0o755)
    script = (
        f"PATH={tmp_path}:$PATH\n{SCRIPTS['bash']}\n"
        "COMP_WORDS=(lading stop w) COMP_CWORD=2\n_lading\n"
        'printf "<%s>" "${COMPREPLY[@]}"\n'
    )
    finished = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
    assert finished.stdout == "<__complete stop w><two>"
