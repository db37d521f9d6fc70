"""A virtual machine for the tests that need another kernel set-up than the host's.

Debian's cloud kernel and a small Debian with systemd: cgroup v2 alone, AppArmor, systemd's D-Bus.
`image` builds the disk once, `initrd` what boots it, `machine` runs a command in it; all emulated
by qemu, so it works where there is no /dev/kvm. Nothing is shared with the host: the source goes in
as a tar archive on a second disk, the output comes out on a serial line.
"""
