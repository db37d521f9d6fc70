"""The `lading-runtime` command: the OCI runtime command line. Wiring only."""

import sys

from lading.runtime import oci_cli


def main() -> int:
    return oci_cli.main(sys.argv[1:])
