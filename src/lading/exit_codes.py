"""Exit codes that say why a program was not started; engine and command tell them by the text.

Imports nothing: the thin command line loads it.
"""

NOT_EXECUTABLE = 126  # found, and refused: no permission, or a directory
NOT_FOUND = 127


def of_failed_start(message: str) -> int | None:
    """126 or 127 by the words of the error; None when it is about something else.

    The words are those that Docker's command looks for.
    """
    text = message.lower()
    if "executable file not found" in text or "no such file or directory" in text:
        return NOT_FOUND
    if "is a directory" in text or ("permission denied" in text and "daemon socket" not in text):
        return NOT_EXECUTABLE
    return None
