"""Small processes that look after networks while the engine is away: the porter.

An engine may stop, crash or be upgraded; ports must stay taken and relays must go on. So they
belong to processes of their own, each with one thread, and the next engine finds them by a socket.

`serving` what such a process is, `porter` holds ports, `tcp_relay` and `udp_relay` pass on what no
packet filter can redirect, `client` is the engine's side.
Nothing is imported here: what is loaded is memory of every steward.
"""
