"""Images: their names, what they are made of, and how they come and go.

`service.Images` is the room's door. Bytes are kept by `storage`, registries are reached through
`registry.client`; the tables of names and images are here, in `records.py`.
"""
