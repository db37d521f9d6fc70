"""The JSON documents of the Docker Engine API: one file per tag of its specification.

Data only: no document knows how it is stored, made or routed. `codec` reads and writes them.
"""
