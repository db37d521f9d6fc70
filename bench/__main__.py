"""`python -m bench`: Lading against Docker, see `bench.compare`."""

from bench.compare import main

main()
