"""Small processes that look after networks while the engine is away: porter, resolver.

An engine may stop, crash or be upgraded; ports must stay taken, relays go on and names resolve. So
these belong to processes of their own, each with one thread, and the next engine finds them by a
socket.

`serving` is what such a process is, `client` the engine's side. `porter` holds ports, `tcp_relay`
and `udp_relay` pass on what no packet filter can redirect (`sources`: from whom). `resolver`
answers for names: `zones` is what it knows, `dns_message` and `dns_answer` what it says,
`dns_forward` whom else it asks.
Nothing is imported here: what is loaded is memory of every steward.
"""
