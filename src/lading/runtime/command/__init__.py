"""`lading-runtime`, the OCI runtime command line: what containerd, podman and dockerd call.

A container made here has no monitor. Its init is a child of the command, which ends: then whoever
called it (containerd's shim, conmon) becomes the parent, as these expect of a runtime, and reaps
it. Stdio is the caller's own; a terminal's master goes to the console socket.

`main` errors and their log    `verbs` the table    `flags` words to options    `store` state
`create` create run          `launch` the parent's part of a create    `starting` start
`sockets` console and others that are given away    `readiness` NOTIFY_SOCKET    `terminal` a relay
`callers` what is taken over and handed on
`exec` one more process      `ending` kill delete        `listing` state list ps
`limits` update pause resume `events` usage and OOM      `documents` spec features
`checkpoint` by criu         `filter_cache` compiled seccomp filters
A verb's file is loaded only when that verb is called.
"""
