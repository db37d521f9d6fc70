"""nf_tables over nfnetlink: tables, chains, sets, elements and rules in one atomic batch.

`messages` makes the objects, `types` what sets hold, `expressions` the words of a rule,
`transaction` sends a batch and reads back, `events` tells what others changed.
The numbers are those of linux/netfilter/nf_tables.h; they travel big-endian (nfnetlink's rule),
while what a register holds keeps the order in which it was loaded. Nothing here knows what a
container is; the rules that the engine wants are in `lading.networks.firewall`.
"""

from lading.kernel.nftables.messages import Table
from lading.kernel.nftables.transaction import (
    chain_policies,
    commit,
    list_keys,
    list_rules,
    list_tables,
)

__all__ = ["Table", "chain_policies", "commit", "list_keys", "list_rules", "list_tables"]
