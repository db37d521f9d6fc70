"""Volumes: content that outlives containers. The door is `service.Volumes`.

`record` and `store` keep them, `directories` has their bytes, `claim` makes them together with a
container, `mounting` and `leases` know who has one mounted, `drivers` mount and keep them.
"""

from lading.volumes.record import ANONYMOUS_LABEL, LOCAL, NoSuchVolume, Volume
from lading.volumes.service import Volumes
from lading.volumes.store import SCHEMA

__all__ = ["ANONYMOUS_LABEL", "LOCAL", "SCHEMA", "NoSuchVolume", "Volume", "Volumes"]
