"""Destinations of logs, a file each; what they promise is in `lading.logs.driver`."""
