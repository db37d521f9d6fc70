"""One file a command: `COMMAND` (its table), the types of its arguments, `run(session, words)`."""
