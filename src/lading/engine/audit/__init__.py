"""What the audit looks at, a file for each part of the host: containers, storage, the kernel."""
