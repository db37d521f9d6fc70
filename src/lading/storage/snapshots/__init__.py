"""Snapshots: published layers, and the writable directories of containers on top of them."""

from lading.storage.snapshots.copying import BtrfsDriver, NativeDriver
from lading.storage.snapshots.driver import (
    Driver,
    Layer,
    NoQuota,
    Overlay,
    Recovery,
    SnapshotExists,
    SnapshotInUse,
    SnapshotNotFound,
)
from lading.storage.snapshots.drivers import UnknownDriver, open_driver
from lading.storage.snapshots.overlay import OverlayDriver, UserOverlayDriver
from lading.storage.snapshots.served import CannotServe, FuseOverlayDriver, NoOverlay
from lading.storage.snapshots.store import SCHEMA

__all__ = [
    "SCHEMA",
    "BtrfsDriver",
    "CannotServe",
    "Driver",
    "FuseOverlayDriver",
    "Layer",
    "NativeDriver",
    "NoOverlay",
    "NoQuota",
    "Overlay",
    "OverlayDriver",
    "Recovery",
    "SnapshotExists",
    "SnapshotInUse",
    "SnapshotNotFound",
    "UnknownDriver",
    "UserOverlayDriver",
    "open_driver",
]
