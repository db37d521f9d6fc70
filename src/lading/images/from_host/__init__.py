"""Images made of the host's own programs: a program, its interpreter, its libraries, and no more.

`elf` reads a file, `loader` finds the libraries, `tree` collects the files with the symlinks on
their way, `assemble` writes the layer. The embedded default image `base` is made this way.
"""
