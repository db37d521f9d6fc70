"""Control groups: what a container may use, and who belongs to it.

`group.Cgroup` is one container's group in all mounted hierarchies; `hierarchy` finds these; `v1`
and `v2` turn the OCI `linux.resources` into files and values (pure functions); `counters` reads
what was used; `directory` does the work in one tree.
Loaded in every container's monitor: nothing here imports more than `os`, `errno`, `time`, `math`.
man 7 cgroups; Documentation/admin-guide/cgroup-v1/, cgroup-v2.rst.
"""

from lading.kernel.cgroup.directory import LimitRefused, LimitUnavailable
from lading.kernel.cgroup.group import Cgroup
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies

__all__ = ["Cgroup", "Hierarchies", "LimitRefused", "LimitUnavailable", "hierarchies"]
