"""A spec that cannot be done, refused with the reason."""

from lading.errors import InvalidArgument


class BadSpec(InvalidArgument):
    """{0}"""
