"""Containers: records, their lifecycle, their output and input, and what is run in them.

`service.Containers` is the room's door. `record` says what is stored, `lifecycle` is the only code
that changes a state, `recovery` settles what a crash has left, `oci_spec` tells the runtime.
"""
