"""The steps that a new process takes on its way into a container, one class per step.

`describe()` is one line of text, what plans print and tests compare; `execute(child)` does it, in
the child, and raises OSError or StepFailed. `plan.py` decides which steps and in which order.

`step` base classes   `namespaces` joining and naming   `rootfs` the root and pivot_root
`mounts` everything mounted in it   `devices` /dev and the console   `masks` hidden, read-only
`identity` user, capabilities, limits, seccomp   `program` cwd, env, execve
"""
