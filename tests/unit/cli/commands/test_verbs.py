"""The small verbs: what they ask the engine, what they print, how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


def targets(client: Any) -> list[str]:
    return [f"{request.method} {request.target('')}" for request in client.asked]


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("stop web", "POST /containers/web/stop"),
        ("stop -t 5 -s INT web", "POST /containers/web/stop?signal=INT&t=5"),
        ("stop --time 0 web", "POST /containers/web/stop?t=0"),
        ("restart web", "POST /containers/web/restart"),
        ("kill web", "POST /containers/web/kill"),
        ("kill -s HUP web", "POST /containers/web/kill?signal=HUP"),
        ("rm -fv web", "DELETE /containers/web?force=1&v=1"),
        ("container remove /web", "DELETE /containers/web"),
        ("start web", "POST /containers/web/start"),
        ("pause web", "POST /containers/web/pause"),
        ("unpause web", "POST /containers/web/unpause"),
        ("rename web www", "POST /containers/web/rename?name=www"),
        ("tag a b:2", "POST /images/a/tag?repo=b&tag=2"),
    ],
)
def test_what_is_asked(words: str, target: str, lading: Run, client: Any) -> None:
    method, _, rest = target.partition(" ")
    client.answers[f"{method} {rest.partition('?')[0]}"] = b""
    code, _, err = lading(*words.split())
    assert (code, err) == (0, "")
    assert targets(client) == [target]


def test_several_names_go_on_after_a_failure(lading: Run, client: Any) -> None:
    client.answers = {
        "POST /containers/a/stop": b"",
        "POST /containers/b/stop": (404, "No such container: b"),
        "POST /containers/c/stop": b"",
    }
    assert lading("stop", "a", "b", "c") == (
        1,
        "a\nc\n",
        "Error response from daemon: No such container: b\n",
    )


def test_forced_removal_of_nothing_is_no_failure(lading: Run, client: Any) -> None:
    client.answers["DELETE /containers/x"] = (404, "No such container: x")
    assert lading("rm", "-f", "x") == (0, "", "Error response from daemon: No such container: x\n")
    assert lading("rm", "x")[0] == 1


def test_start_says_what_did_not(lading: Run, client: Any) -> None:
    client.answers["POST /containers/x/start"] = (404, "No such container: x")
    assert lading("start", "x")[2].endswith("Error: failed to start containers: x\n")


def test_wait_prints_exit_codes(lading: Run, client: Any) -> None:
    client.answers["POST /containers/a/wait"] = {"StatusCode": 3, "Error": None}
    assert lading("wait", "a") == (0, "3\n", "")


def test_removed_images_are_listed(lading: Run, client: Any) -> None:
    client.answers["DELETE /images/x"] = [{"Untagged": "x:latest"}, {"Deleted": "sha256:ab"}]
    assert lading("rmi", "x")[1] == "Untagged: x:latest\nDeleted: sha256:ab\n"


def test_inspect_looks_for_containers_then_images(lading: Run, client: Any) -> None:
    client.answers = {
        "GET /containers/web/json": {"Id": "1", "State": {"Status": "running"}, "N": "é<"},
        "GET /containers/x/json": (404, "No such container: x"),
        "GET /images/x/json": {"Id": "2"},
        "GET /containers/y/json": (404, "No such container: y"),
        "GET /images/y/json": (404, "No such image: y"),
    }
    code, out, err = lading("inspect", "web", "x", "y")
    assert (code, err) == (1, "Error: No such object: y\n")
    assert [document["Id"] for document in json.loads(out)] == ["1", "2"]
    assert '    {\n        "Id": "1",\n' in out
    assert '"é<"' in out
    assert lading("inspect", "-f", "{{.State.Status}}", "web")[1] == "running\n"
    code, _, err = lading("inspect", "-f", "{{.State.Foo}}", "web")
    assert (code, 'map has no entry for key "Foo"' in err) == (1, True)


def test_audit_findings_are_a_failure(lading: Run, client: Any) -> None:
    client.answers["GET /lading/system/check"] = {"findings": []}
    assert lading("system", "check") == (0, "", "lading: everything is accounted for\n")
    finding = {"kind": "mount", "name": "/x", "detail": "belongs to nothing"}
    client.answers["GET /lading/system/check"] = {"findings": [finding]}
    code, out, _ = lading("system", "check")
    assert code == 1
    assert out.splitlines()[1].split("   ")[0] == "mount"


def test_an_image_from_the_host(lading: Run, client: Any) -> None:
    client.answers["POST /lading/images/from-host"] = b'{"status":"adding /bin/sh"}\n'
    assert lading("image", "from-host", "--tag", "x", "sh", "ls")[:2] == (0, "adding /bin/sh\n")
    assert client.asked[0].document == {"tag": "x", "tools": ["sh", "ls"]}
    assert lading("image", "from-host", "sh")[0] == 125


def test_events_have_a_line_each(lading: Run, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    event = {
        "Type": "container",
        "Action": "die",
        "Actor": {"ID": "4b0c", "Attributes": {"image": "base", "exitCode": "0"}},
        "time": 1,
        "timeNano": 1_000_000_002,
    }
    client.answers["GET /events"] = json.dumps(event).encode() + b"\n"
    out = lading("events", "--since", "5", "--until", "6")[1]
    assert out.endswith(" container die 4b0c (exitCode=0, image=base)\n")
    assert targets(client) == ["GET /events?since=5&until=6"]
    assert lading("events", "--format", "{{.Action}} {{.TimeNano}}")[1] == "die 1000000002\n"
    assert json.loads(lading("events", "--format", "json")[1]) == event


def test_a_pull(lading: Run, client: Any) -> None:
    client.answers["POST /images/create"] = b'{"status":"Status: Image is up to date"}\n'
    code, out, _ = lading("pull", "busybox")
    assert (code, out) == (
        0,
        "Using default tag: latest\n"
        "Status: Image is up to date\n"
        "docker.io/library/busybox:latest\n",
    )
    assert targets(client) == ["POST /images/create?fromImage=busybox&tag=latest"]
    assert lading("pull", "-q", "x:1")[1] == "docker.io/library/x:1\n"
    assert lading("pull", "-a", "x:1")[0] == 1


def test_a_load_that_fails_in_its_stream(lading: Run, client: Any, tmp_path: Any) -> None:
    (tmp_path / "x.tar").write_bytes(b"")
    client.answers["POST /images/load"] = b'{"errorDetail":{"message":"bad tar"}}\n'
    assert lading("load", "-i", f"{tmp_path}/x.tar") == (1, "", "bad tar\n")
    assert "no such file" in lading("load", "-i", f"{tmp_path}/y.tar")[2]


CREATED = {"Id": "4b0c", "Warnings": ["beware"]}


def test_run_pulls_a_missing_image_and_tries_again(lading: Run, client: Any) -> None:
    client.answers = {
        "POST /containers/create": [(404, "No such image: x:latest"), (200, CREATED)],
        "POST /images/create": b'{"status":"done"}\n',
        "POST /containers/4b0c/start": b"",
    }
    assert lading("run", "-d", "x") == (
        0,
        "4b0c\n",
        "Unable to find image 'x:latest' locally\ndone\nWARNING: beware\n",
    )
    assert targets(client)[1] == "POST /images/create?fromImage=x&tag=latest"


def test_run_never_pulls_when_told_so(lading: Run, client: Any) -> None:
    client.answers["POST /containers/create"] = (404, "No such image: x:latest")
    code, _, err = lading("run", "--pull", "never", "x")
    assert code == 125
    assert err == (
        "lading: Error response from daemon: No such image: x:latest\n\n"
        "Run 'lading run --help' for more information\n"
    )


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('exec: "x": executable file not found in $PATH', 127),
        ('exec: "/x": stat /x: no such file or directory', 127),
        ('exec: "/etc": permission denied', 126),
        ("no space left on device", 125),
    ],
)
def test_a_start_that_fails_ends_by_its_text(
    message: str, code: int, lading: Run, client: Any
) -> None:
    client.answers["POST /containers/create"] = {"Id": "4b0c"}
    client.answers["POST /containers/4b0c/start"] = (400, message)
    assert lading("run", "-d", "x")[0] == code


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--pull=x i", "invalid pull option: 'x'"),
        ("--rm --restart always i", "cannot specify both --restart and --rm"),
        ("-v :: i", "invalid spec"),
        ("--env-file /nowhere/x i", "open /nowhere/x: no such file or directory"),
    ],
)
def test_words_that_make_no_sense_end_before_anything_is_asked(
    words: str, message: str, lading: Run, client: Any
) -> None:
    code, _, err = lading("run", *words.split())
    assert code == 125
    assert message in err
    assert client.asked == []


def test_attach_and_detach_exclude_each_other(lading: Run, client: Any) -> None:
    code, _, err = lading("run", "-d", "-a", "stdout", "i")
    assert (code, err) == (1, "conflicting options: cannot specify both --attach and --detach\n")
    assert client.asked == []


def test_the_id_is_written_to_a_file_that_must_be_new(
    lading: Run, client: Any, tmp_path: Any
) -> None:
    client.answers["POST /containers/create"] = {"Id": "4b0c"}
    path = tmp_path / "cid"
    assert lading("create", "--cidfile", str(path), "x")[:2] == (0, "4b0c\n")
    assert path.read_text() == "4b0c"
    code, _, err = lading("create", "--cidfile", str(path), "x")
    assert code == 125
    assert "container ID file found" in err


def test_a_terminal_is_wanted_for_it(lading: Run, client: Any) -> None:
    assert lading("run", "-it", "x") == (1, "", "the input device is not a TTY\n")
    assert client.asked == []


def test_version_and_info(lading: Run, client: Any) -> None:
    client.answers["GET /version"] = {"Version": "9", "ApiVersion": "1.51", "MinAPIVersion": "1.24"}
    out = lading("version")[1]
    assert " Engine:\n  Version:           9\n" in out
    assert "1.51 (minimum version 1.24)" in out
    client.answers["GET /info"] = {"NCPU": 2, "MemTotal": 1 << 30, "Driver": "overlay"}
    assert " CPUs: 2\n Total Memory: 1GiB\n" in lading("info")[1]
    assert lading("info", "--format", "{{.NCPU}}")[1] == "2\n"


def test_history(lading: Run, client: Any) -> None:
    layer = {"Id": "sha256:" + "ab" * 32, "Created": 0, "CreatedBy": "COPY . /", "Size": 5}
    client.answers["GET /images/x/history"] = [layer]
    assert lading("history", "x")[1].splitlines()[1] == (
        "abababababab   N/A       COPY . /     5B        "
    )
