"""The API client: what a program says to an engine, and how the bytes get there.

A call is a generator: it yields `Request` values, is sent `Response` values, and returns what the
caller wanted (`containers.create`, `images.pull`, ...). It does no I/O, so one text of each call
serves every driver; `client.Client` is the one that blocks on a socket.

    calls (containers, images, execs, system)  ->  request.Request / Response
    client.Client (drives calls)               ->  http1 (bytes <-> messages), address (where)
    frames, json_text                              what travels inside bodies

This file imports nothing: `lading ps` pays for everything that is loaded here. For the same reason
nothing in this room imports `socket`, `json`, `re`, `typing` or `http.client` at module level.
"""
