"""The command line: words in, text and exit codes out. Knows the API through `sdk` only.

    dispatch       argv -> command; errors -> messages and exit codes
    flags, parser  a command's table of flags, and how words are read with it (pflag's rules)
    command, help  one record a command; `--help` drawn from it
    session        what a command is given: environment, client, program name
    commands/      one file a command: its table, its arguments' types, `run`
    output         format (templates), table, human (cut, quoted), progress
    terminal, signals, conversation   an attached container: raw mode, resize, signals, streams

Everything here starts in a few milliseconds or is imported when it is needed. Nothing imports
asyncio, argparse, re, logging, dataclasses, typing, pathlib, subprocess or http.client when a
command starts; tests/unit/cli/test_imports.py keeps it so.
"""
