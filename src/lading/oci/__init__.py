"""Types of the OCI specifications: image manifests and configs, references, platforms.

Pure data and pure functions; nothing here does I/O. Bytes that came from elsewhere are kept as they
are in the content store: these types read them, and write only what Lading itself makes.
"""
