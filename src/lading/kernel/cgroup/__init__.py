"""Control groups: what a container may use, and who belongs to it.

`group.Cgroup` is one container's group in all mounted hierarchies; `hierarchy` finds these; `v1`
and `v2` turn the OCI `linux.resources` into settings (pure functions), `limits` chooses between
them, `setting` writes; `device_rules` and, on v2, `device_filter` say which devices may be used;
`freezer` stops and thaws; `oom` and `counters` (with `counters_v1`, `counters_v2`) tell what was
used; `directory` does the work in one tree.
Loaded in every container's monitor: what is imported at once is no more than it needs.
man 7 cgroups; Documentation/admin-guide/cgroup-v1/, cgroup-v2.rst.
"""

from lading.kernel.cgroup.group import Cgroup
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies
from lading.kernel.cgroup.setting import LimitRefused, LimitUnavailable

__all__ = ["Cgroup", "Hierarchies", "LimitRefused", "LimitUnavailable", "hierarchies"]
