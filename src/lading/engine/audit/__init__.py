"""What the audit looks at, a file for each part: containers, storage, volumes, the kernel."""
