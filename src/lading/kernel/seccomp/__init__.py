"""System call filters: what a container's processes may ask of the kernel.

`default_profile` holds Docker's default as a table and evaluates it for a set of capabilities;
`bpf` compiles a profile (OCI `linux.seccomp`) to a classic BPF program; `load` installs the bytes.
Only `load` is needed in a container's monitor, so this file imports nothing.
"""
