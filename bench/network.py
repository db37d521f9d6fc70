"""What networks cost: attaching with a published port and names, asking the resolver, connecting.

Everything in a network namespace of its own, by our own networks room; `docker-proxy`, if one is
named, stands beside the relay and the redirection. CPU time is this process's. Needs root.

    python bench/network.py [--runs 200] [--docker-proxy /usr/bin/docker-proxy]
"""

import argparse
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lading.kernel import netns
from lading.kernel.netlink import NetlinkSocket, link
from lading.networks import SCHEMA, Endpoint, EndpointRequest, Networks
from lading.networks.ports import Wish
from lading.state import Database
from lading.steward import dns_message as dns
from lading.wire.networks import NetworkCreate

T = TypeVar("T")
FIRST_PORT = 20000


def inside(namespace: int | None, action: Callable[[], T]) -> T:
    """Run the action in a network namespace."""

    def visit() -> T:
        assert namespace is not None
        netns.setns(namespace)
        return action()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(visit).result()


def report(title: str, wall: list[float], cpu: list[float] | None = None) -> None:
    """Median and the ninetieth percentile, in milliseconds."""
    wall = sorted(wall)
    worse = wall[len(wall) * 9 // 10]
    text = f"{title:58} {statistics.median(wall) * 1e3:8.3f} ms  p90 {worse * 1e3:8.3f}"
    if cpu:
        text += f"  CPU {statistics.median(cpu) * 1e3:8.3f}"
    print(text, flush=True)


def attaches(networks: Networks, network: str, runs: int, *, port: bool, names: bool) -> None:
    """Attach, publish and name; then release."""
    there, cpu, back = [], [], []
    for number in range(runs):
        container = f"{number:064x}"
        networks.warm()
        before, used = time.perf_counter(), time.process_time()
        networks.attach_all(container, [EndpointRequest(network, (f"c{number}",) * names)])
        if names:
            networks.resolve_for(container, servers=["192.0.2.1"], options=[])
        if port:
            networks.publish(container, "c", [Wish("tcp", 80, "0.0.0.0", 10000, 10000)])
        there.append(time.perf_counter() - before)
        cpu.append(time.process_time() - used)
        before = time.perf_counter()
        networks.release(container)
        back.append(time.perf_counter() - before)
    title = " and ".join(["attach", *["port"] * port, *["names"] * names])
    report(title, there, cpu)
    report(f"release ({title})", back)


def resolver(networks: Networks, endpoint: Endpoint, runs: int) -> None:
    """Queries for a name of the network, one after the other."""
    query = dns.HEADER.pack(1, dns.RECURSION_DESIRED, 1, 0, 0, 0) + dns.encode_name("other")
    query += b"\0\1\0\1"

    def ask() -> list[float]:
        found = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect(("127.0.0.11", 53))
            for _ in range(runs):
                before = time.perf_counter()
                asking.send(query)
                asking.recv(512)
                found.append(time.perf_counter() - before)
        return found

    report("resolver: A of a container", inside(endpoint.netns_fd, ask))


def serve(endpoint: Endpoint) -> int:
    """A process in the container that answers each connection with a byte; its pid."""
    listener = inside(endpoint.netns_fd, lambda: socket.create_server(("0.0.0.0", 80), backlog=512))
    pid = os.fork()
    if pid:
        listener.close()
        return pid
    while True:
        client, _ = listener.accept()
        client.send(b"x")
        client.close()


def connections(title: str, address: tuple[str, int], runs: int) -> None:
    """Connect, read, close: one after the other, then by four threads at once."""

    def once() -> float:
        before = time.perf_counter()
        with socket.create_connection(address) as connection:
            connection.recv(1)
        return time.perf_counter() - before

    once()
    report(f"{title}: a connection", [once() for _ in range(runs)])
    before = time.perf_counter()
    threads = [
        threading.Thread(target=lambda: [once() for _ in range(runs // 4)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{title + ': connections a second':58} {runs / (time.perf_counter() - before):8.0f}")


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--docker-proxy", default="")
    asked = parser.parse_args()
    netns.unshare()
    with NetlinkSocket() as here:
        here.request(link.set_up(1))
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"{directory}/state.db", [SCHEMA])
        networks = Networks(database, engine_id="bench", directory=f"{directory}/run")
        networks.open()
        try:
            measure(networks, asked.runs, asked.docker_proxy)
        finally:
            networks.remove_everything()
            networks.close()
            database.close()


def measure(networks: Networks, runs: int, docker_proxy: str) -> None:
    """The rows, in a host that is ours alone."""
    networks.create(NetworkCreate(name="user"))
    target = networks.attach("f" * 64, "user")
    [other] = networks.attach_all("e" * 64, [EndpointRequest("user", ("other",))])
    networks.resolve_for("e" * 64, servers=["192.0.2.1"], options=[])
    attaches(networks, "bridge", runs, port=False, names=False)
    attaches(networks, "bridge", runs, port=True, names=False)
    attaches(networks, "user", runs, port=True, names=True)
    resolver(networks, other, runs * 10)
    networks.publish("f" * 64, "target", [Wish("tcp", 80, "", 8080, 8080)])
    server = serve(target)
    proxy = None
    try:
        for title, address in (("redirected", "127.0.0.1"), ("relayed", "::1")):
            connections(title, (address, 8080), runs * 10)
        if docker_proxy:
            words = [docker_proxy, "-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", "8090"]
            words += ["-container-ip", target.ip, "-container-port", "80"]
            proxy = subprocess.Popen(words, pass_fds=[3], stderr=subprocess.DEVNULL)
            time.sleep(0.5)
            connections("docker-proxy", ("127.0.0.1", 8090), runs * 10)
    finally:
        os.kill(server, 9)
        os.waitpid(server, 0)
        if proxy:
            proxy.kill()
            proxy.wait()
    many = [Wish("tcp", 80, "0.0.0.0", n, n) for n in range(FIRST_PORT, FIRST_PORT + 1000)]
    networks.publish("e" * 64, "many", many)
    print("with 1,000 ports published:")
    attaches(networks, "bridge", runs, port=True, names=False)
    attaches(networks, "user", runs, port=True, names=True)


if __name__ == "__main__":
    main()
