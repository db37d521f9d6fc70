"""The files of containers, running or not: copied in and out, exported, compared with the image.

`view` shows a thread the container's file system as its own root, so that no path of a container
can mean a file of the host; `archive` is `docker cp`, `changes` is `docker diff`.
"""
