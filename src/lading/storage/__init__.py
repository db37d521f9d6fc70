"""Bytes on disk: blobs by digest, layers as trees, snapshots that stack them.

`content/` keeps what registries sent, verbatim. `layers/` turns a layer's tar stream into a tree
and a tree into a tar stream. `snapshots/` publishes those trees and stacks them for containers.
Everything here is synchronous and is called from worker threads. What an image, a tag or a
container is, is not known here.
"""
