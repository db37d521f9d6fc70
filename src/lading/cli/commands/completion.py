"""`lading completion`: a script that makes a shell ask `lading __complete` at every tab."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "completion",
    "bash|zsh|fish",
    "Print the completion script for a shell",
    least=1,
    most=1,
)

_BASH = """\
# source <(lading completion bash)
_lading() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(lading __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" \\
        "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null | cut -f1)
    if [ ${#COMPREPLY[@]} -eq 0 ]; then
        compopt -o default 2>/dev/null
    fi
}
complete -F _lading lading
"""

_ZSH = """\
#compdef lading
# source <(lading completion zsh)
_lading() {
    local -a found
    local line
    while IFS= read -r line; do
        found+=("${${line//:/\\\\:}/$'\\t'/:}")
    done < <(lading __complete "${(@)words[2,CURRENT-1]}" "${words[CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then
        _describe 'lading' found
    else
        _files
    fi
}
compdef _lading lading
"""

_FISH = """\
# lading completion fish | source
function __lading_complete
    set -l words (commandline -opc) (commandline -ct)
    lading __complete $words[2..-1] 2>/dev/null
end
complete -c lading -a '(__lading_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run(session: Session, words: Sequence[str]) -> int:
    shell = parse(words, COMMAND, Arguments()).words[0]
    if shell not in SCRIPTS:
        raise Failure(f"no completion for {shell}: there are {', '.join(SCRIPTS)}")
    sys.stdout.write(SCRIPTS[shell])
    return 0
