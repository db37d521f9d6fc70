"""The parts of a plan, each a pure function of a part of the spec that adds steps.

`errors` what is refused    `mounts` what is mounted in the root, /dev    `settings` names, sysctl
`process` identity and program    `rare` what few specs ask for: loaded only when one does
"""
