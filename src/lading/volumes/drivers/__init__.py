"""The volume drivers that come with the engine; see `lading.volumes.driver` for what one does.

`local` keeps directories and mounts; `plugin` speaks Docker's protocol to programs of others.
"""
