"""Lading: a container platform in Python.

This file stays empty of imports: `lading ps` pays for everything that is loaded here.
The rooms and what each may import are described in ARCHITECTURE.md.
"""
