"""Verbs on containers that print: diff, top, port, stats, prune, update, commit, df."""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from lading.cli import disk_details, figures
from lading.cli.commands import df, system_prune
from lading.cli.parser import parse

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Run

PORTS = {
    "443/tcp": None,
    "8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "81"}],
    "80/tcp": [{"HostIp": "::", "HostPort": "1"}, {"HostIp": "1.2.3.4", "HostPort": "2"}],
}
SAMPLE: dict[str, Any] = {
    "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 4},
    "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
    "memory_stats": {"usage": 3 << 20, "limit": 1 << 30, "stats": {"inactive_file": 1 << 20}},
    "networks": {
        "eth0": {"rx_bytes": 1500, "tx_bytes": 10},
        "eth1": {"rx_bytes": 0, "tx_bytes": 2},
    },
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"op": "read", "value": 10},
            {"op": "Write", "value": 4096},
            {"op": "Total", "value": 99},
        ]
    },
    "pids_stats": {"current": 7},
}


def test_diff_names_kinds_by_letters(lading: Run, client: Any) -> None:
    kinds = [{"Path": "/a", "Kind": 1}, {"Path": "/b", "Kind": 0}, {"Path": "/c", "Kind": 2}]
    client.answers["GET /containers/web/changes"] = kinds
    assert lading("diff", "web") == (0, "A /a\nC /b\nD /c\n", "")


def test_top_passes_options_of_ps(lading: Run, client: Any) -> None:
    document = {"Titles": ["PID", "CMD"], "Processes": [["1", "sleep 1"]]}
    client.answers["GET /containers/web/top"] = document
    assert lading("top", "web", "-o", "pid,cmd") == (0, f"{'PID':20}CMD\n{'1':20}sleep 1\n", "")
    assert client.asked[0].query["ps_args"] == "-o pid,cmd"


def test_port_lists_by_number_and_finds_one(lading: Run, client: Any) -> None:
    client.answers["GET /containers/web/json"] = {"NetworkSettings": {"Ports": PORTS}}
    assert lading("port", "web")[1].splitlines() == [
        "80/tcp -> 1.2.3.4:2",
        "80/tcp -> [::]:1",
        "8080/tcp -> 0.0.0.0:81",
    ]
    assert lading("port", "web", "8080")[1] == "0.0.0.0:81\n"
    missing = lading("port", "web", "443")
    assert missing == (1, "", "Error: No public port '443' published for web\n")
    assert "invalid port (x)" in lading("port", "web", "x")[2]


def test_figures_of_a_sample() -> None:
    row = {"asked": "web", "id": "ab" * 32, "name": "web", "sample": SAMPLE}
    fields = figures.fields(truncated=True)
    shown = [fields[name].value(row) for name in figures.COLUMNS]
    assert shown[:4] == ["ab" * 6, "web", "80.00%", "2MiB / 1GiB"]
    assert shown[4:] == ["0.20%", "1.5kB / 12B", "10B / 4.1kB", "7"]
    nothing = [fields[name].value(row | {"sample": None}) for name in figures.COLUMNS[2:]]
    assert nothing == ["--", "-- / --", "--", "--", "--", "--"]


def test_old_cgroups_have_another_name_for_the_cache() -> None:
    memory = {
        "memory_stats": {"usage": 10, "stats": {"total_inactive_file": 4, "inactive_file": 1}}
    }
    assert figures.memory_used(memory) == 6


def test_prune_asks_and_reports(lading: Run, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"ContainersDeleted": ["a", "b"], "SpaceReclaimed": 1500}
    client.answers["POST /containers/prune"] = answer
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "remove all stopped containers" in lading("container", "prune")[1]
    assert client.asked == []
    code, out, _ = lading("container", "prune", "-f", "--filter", "until=1h")
    assert (code, out) == (0, "Deleted Containers:\na\nb\n\nTotal reclaimed space: 1.5kB\n")
    assert json.loads(client.asked[0].query["filters"]) == {"until": ["1h"]}


def test_system_prune_adds_up_and_does_without_a_builder(lading: Run, client: Any) -> None:
    client.answers |= {
        "POST /containers/prune": {"ContainersDeleted": ["c"], "SpaceReclaimed": 1},
        "POST /networks/prune": {"NetworksDeleted": ["n"]},
        "POST /images/prune": {"ImagesDeleted": [{"Untagged": "x:1"}], "SpaceReclaimed": 2},
    }
    code, out, _ = lading("system", "prune", "-f")
    assert code == 0
    assert out == (
        "Deleted Containers:\nc\n\nDeleted Networks:\nn\n\nDeleted Images:\nuntagged: x:1\n\n"
        "Total reclaimed space: 3B\n"
    )


def test_system_prune_says_what_it_will_remove() -> None:
    args = parse(["-a", "--volumes", "--filter", "label=x"], system_prune.COMMAND, _prune_args())
    assert system_prune.warning(args).splitlines() == [
        "WARNING! This will remove:",
        "  - all stopped containers",
        "  - all networks not used by at least one container",
        "  - all anonymous volumes not used by at least one container",
        "  - all images without at least one container associated to them",
        "  - all build cache",
        "",
        "  Items to be pruned will be filtered with:",
        "  - label=x",
    ]


def _prune_args() -> system_prune.SystemPruneArguments:
    return system_prune.SystemPruneArguments()


def test_update_sends_only_what_was_typed(lading: Run, client: Any) -> None:
    client.answers["POST /containers/web/update"] = {"Warnings": ["mind"]}
    code, out, err = lading(
        "update", "-m", "64m", "--cpus", ".5", "--restart", "on-failure:3", "web"
    )
    assert (code, out, err) == (0, "web\n", "mind\n")
    assert client.asked[0].document == {
        "NanoCpus": 500_000_000,
        "Memory": 64 << 20,
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }
    assert lading("update", "web")[0] == 1


def test_commit_names_the_image(lading: Run, client: Any) -> None:
    client.answers["POST /commit"] = {"Id": "sha256:1"}
    assert (
        lading("commit", "-m", "why", "-c", "CMD x", "--no-pause", "web", "img:1")[1]
        == "sha256:1\n"
    )
    query = client.asked[0].query
    wanted = {"container": "web", "repo": "img", "tag": "1", "comment": "why", "pause": 0}
    assert {key: query[key] for key in wanted} == wanted
    assert query["changes"] == ["CMD x"]


def test_export_writes_a_whole_file(lading: Run, client: Any, tmp_path: Path) -> None:
    client.answers["GET /containers/web/export"] = b"tar"
    assert lading("export", "-o", f"{tmp_path}/x.tar", "web")[0] == 0
    assert (tmp_path / "x.tar").read_bytes() == b"tar"
    assert "does not exist" in lading("export", "-o", f"{tmp_path}/no/x.tar", "web")[2]
    assert os.listdir(tmp_path) == ["x.tar"]


def test_df_counts_what_is_used_and_what_is_shared() -> None:
    usage = {
        "LayersSize": 100,
        "Images": [
            {"Size": 60, "SharedSize": 20, "Containers": 1},
            {"Size": 60, "SharedSize": 20, "Containers": 0},
        ],
        "Containers": [{"State": "running", "SizeRw": 5}, {"State": "exited", "SizeRw": 7}],
        "Volumes": [{"UsageData": {"Size": 9, "RefCount": 0}}],
    }
    assert [list(row.values())[1:] for row in df.rows(usage)] == [
        [2, 1, 100, 60],
        [2, 1, 12, 7],
        [1, 0, 9, 9],
        [0, 0, 0, 0],
    ]
    assert list(disk_details.tables({}, 0.0)) == ["Images", "Containers", "Volumes", "BuildCache"]


def test_cp_out_of_a_container(lading: Run, client: Any, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("passwd")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"root"))
    client.answers["GET /containers/web/archive"] = archive.getvalue()
    stat = {"name": "passwd", "size": 4, "mode": 0o644, "mtime": "", "linkTarget": ""}
    client.headers["x-docker-container-path-stat"] = base64.b64encode(
        json.dumps(stat).encode()
    ).decode()
    assert lading("cp", "web:/etc/passwd", f"{tmp_path}/mine") == (0, "", "")
    assert (tmp_path / "mine").read_bytes() == b"root"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("a b", "must specify at least one container source"),
        ("a:/x b:/y", "copying between containers is not supported"),
        ("web:/x /nowhere/y", 'invalid output path: directory "/nowhere" does not exist'),
        ("/nowhere web:/x", "lstat /nowhere: no such file or directory"),
    ],
)
def test_cp_refuses(words: str, message: str, lading: Run) -> None:
    assert lading("cp", *words.split()) == (1, "", message + "\n")
