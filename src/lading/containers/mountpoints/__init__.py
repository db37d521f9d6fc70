"""Mounts of containers: from what is asked to what the runtime mounts.

`asked` reads one wish, `plan` unites all of a container, `volumes` finds or makes their volumes,
`placing` gives what a start needs, `views` shows them.
"""
