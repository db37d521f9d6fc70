"""`lading cp`: files between a container and this machine, as tar archives.

paths    what `cp A B` means, by what A and B are: Docker's rules of trailing `/` and `/.`
pack     a tree of ours as an archive, piece by piece
unpack   an archive into a tree of ours; nothing in it can lead outside
"""
