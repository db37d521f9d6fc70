"""The one place that says which Lading and which Engine API this is; constants only."""

VERSION = "0.1.0"
API_VERSION = "1.51"  # newest Engine API spoken
MIN_API_VERSION = "1.24"  # oldest Engine API tolerated
