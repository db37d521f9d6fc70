"""A start in a user namespace: what the starter does before the child is born, and beside it.

The child has no rights over the host. So groups, root and bind sources are made before its birth
(`parent_mounts`), and a stage in between joins the user namespace and clones init from there:

    starter --clone3--> stage: joins, --clone3--> init      all three are children of the keeper
            <--pid, pidfd-- and ends

Nothing of this is loaded until a container asks for it; from then on the spawner has it ready.
"""

from __future__ import annotations

import os

from lading.failpoints import fp
from lading.kernel import mount, process
from lading.kernel import namespaces as ns
from lading.kernel.cgroup import Cgroup
from lading.runtime import handover, idmapped_root, init, messages, parent_mounts, plan
from lading.runtime.children import give_pipe
from lading.runtime.joining import join_for_children
from lading.runtime.operations.step import StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.runtime.head import Head
    from lading.runtime.plan import Host
    from lading.runtime.spec import Request

GO_ON = b"g"


class MappedStart:
    """One of them. Raises what operations do."""

    __slots__ = ("_fds", "_head", "_host", "_linux", "_request", "_spec", "_trees")

    def __init__(self, head: Head, body: bytes, host: Host, fds: list[int]) -> None:
        self._head = head
        self._host = host
        self._fds = list(fds)
        request: Request = messages.decode(body)  # type: ignore[assignment]
        self._request = request
        self._spec = request["spec"]
        self._linux = self._spec["linux"]
        for namespace in self._linux["namespaces"]:
            if namespace["type"] == "user":
                namespace["path"] = f"/proc/self/fd/{self._users}"
        self._trees: dict[str, int] = {}

    @property
    def _users(self) -> int:
        assert self._head["users"] is not None  # or nobody would have loaded this
        return self._fds[self._head["users"]]

    def make_groups(self) -> list[str]:
        """The v1 groups, with their `tasks` files open: the child may not even look at them."""
        if not self._head["cgroup"] or self._host.trees.is_unified():
            return []
        group = Cgroup(self._head["cgroup"], self._host.trees)
        warnings = group.create(self._head["resources"])
        fp("starter.v1_created")
        first = len(self._fds)
        self._fds += group.join_files()
        self._request["fds"]["cgroup"] = list(range(first, len(self._fds)))
        return warnings

    def make_mounts(self) -> None:
        """Root and bind sources, detached."""
        root = -1
        overlay = self._request.get("overlay")
        if overlay:
            uid, gid = self._head["owner"]
            place, label = self._request["directory"], self._linux.get("mountLabel") or ""
            root = idmapped_root.make(overlay, self._users, (uid, gid), place, label=label)
        self._trees = parent_mounts.make(self._spec, root=root)
        if self._head["cgroup"] and not self._host.trees.is_unified():
            for place in self._host.trees.v1_trees():  # groups of ours are closed to others
                path = place + self._head["cgroup"]
                self._trees[f"cgroup:{path}"] = mount.open_tree(mount.AT_FDCWD, path)

    def give_stdio(self, stdio: tuple[int, int, int] | None) -> None:
        """What was made for the container belongs to its root, so that it can open /dev/stdout."""
        for descriptor in stdio or ():
            give_pipe(descriptor, self._head["owner"])

    def clone(
        self,
        sync: _socket.socket,
        theirs: tuple[_socket.socket, _socket.socket],
        stdio: tuple[int, int, int] | None,
        cgroup: int | None,
    ) -> tuple[int, int]:
        """Init, waiting for `settle`: pid and pidfd. `theirs`: our ends of its socket and of the
        keeper's, which it closes.
        """
        answers, answer = messages.pair()
        stage, descriptor = ns.clone3(ns.CLONE_PARENT)
        if stage == 0:
            answers.close()
            try:
                pid, pidfd = self._stage(cgroup)
                if pid == 0:
                    for one in (answer, *theirs):
                        one.close()
                    self._be_init(sync, stdio)
                messages.send(answer, {"pid": pid}, [pidfd])
            except OSError as error:
                messages.send(answer, {"failed": str(error), "errno": error.errno or 0})
            finally:
                os._exit(0)
        answer.close()
        message, fds = messages.receive(answers)
        answers.close()
        os.close(descriptor)
        handover.reap(theirs[1], stage)
        for tree in self._trees.values():
            os.close(tree)
        if not message or not fds:
            message = message or {"failed": "its process was killed", "errno": 0}
            raise StepFailed(f"join user namespace: {message['failed']}", message["errno"])
        return message["pid"], fds[0]

    def _stage(self, cgroup: int | None) -> tuple[int, int]:
        process.prctl(process.PR_SET_PDEATHSIG, init.PDEATHSIG)
        paths = {n["type"]: n.get("path") or "" for n in self._linux["namespaces"]}
        join_for_children(paths, self._linux, new_clocks=False)
        return ns.clone3(self._head["flags"] | ns.CLONE_PARENT, cgroup=cgroup)

    def _be_init(self, sync: _socket.socket, stdio: tuple[int, int, int] | None) -> None:
        init.run(
            sync,
            stdio,
            lambda: plan.compile(
                self._request,
                self._host,
                self._fds,
                seccomp=init.seccomp_filter(self._request),
                trees=self._trees,
            ),
        )

    def settle(self, report: _socket.socket, pid: int) -> None:
        """What the child has no right to do for itself; then it goes on."""
        adjustment = (self._spec.get("process") or {}).get("oomScoreAdj")
        try:
            if adjustment is not None:
                with open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as file:
                    file.write(str(adjustment))
            report.send(GO_ON)
        except (FileNotFoundError, ProcessLookupError, BrokenPipeError, ConnectionResetError):
            return  # it has failed before: its report says so
