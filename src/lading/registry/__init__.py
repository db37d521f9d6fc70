"""Registries of images: `client` pulls from them (OCI distribution-spec 1.1)."""
