"""An engine of a plain user: `ladingd` without root makes itself a nest, and becomes root in it.

    needs     what the host has to offer, and what is missing, in sentences
    nest      user, mount and network namespace, held by a sleeping process; the way into them
    uplink    pasta or slirp4netns, which connect the nest's network with the host's
    door      makes sockets in the host's network, for published ports
    delegation the control group that is ours, for limits
    beside    what is written down of these processes

The engine in the nest is the same program: it finds out by itself what it may not do there. Its
containers outlive it, for the nest does; the next engine of the same user enters the same one.
"""

from lading.app.rootless.start import ISLAND, NEST, Places, door_of, enter, leave, places

__all__ = ["ISLAND", "NEST", "Places", "door_of", "enter", "leave", "places"]
