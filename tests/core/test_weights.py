"""Checkpoints: fetched whole or not at all, verified, and never replaced by something else in silence."""

from __future__ import annotations

import hashlib
import http.server
import json
import multiprocessing
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from avbench import weights
from avbench.cli import main
from avbench.errors import AvbenchError, MissingCheckpoint, UnknownName, UsageError
from avbench.weights import Checkpoint, File

CONTENT = np.random.default_rng(0).integers(0, 256, 3_000_000, dtype=np.uint8).tobytes()
SHA = hashlib.sha256(CONTENT).hexdigest()


class _Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; breaks off after ``cut`` bytes while that is set."""

    cut: int | None = None
    ranges = True
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        if self.path != "/net.pt":
            self.send_error(404)
            return
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found and self.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        self.wfile.write(body if self.cut is None else body[: self.cut])

    def log_message(self, *words: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[type[_Server]]:
    handler = type("Handler", (_Server,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        handler.url = f"http://127.0.0.1:{running.server_port}/net.pt"  # type: ignore[attr-defined]
        yield handler
        running.shutdown()


@pytest.fixture
def known(server: type[_Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Checkpoint]:
    """Three declared checkpoints: one with a published digest, one without, one that nobody serves."""
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path / "weights"))
    url = server.url  # type: ignore[attr-defined]
    file = File("net.pt", url, len(CONTENT), SHA)
    made = {
        "net": Checkpoint("net", "a net", "test", "MIT", (file,)),
        "unhashed": Checkpoint("unhashed", "a net", "test", "MIT", (replace(file, name="net.raw", sha256="", bytes=None),)),
        "by_hand": Checkpoint("by_hand", "a net", "somewhere", "MIT", (File("hand.pt", sha256=SHA),)),
        "gone": Checkpoint("gone", "a net", "test", "MIT", (replace(file, url=url.replace("net.pt", "gone.pt")),)),
    }
    monkeypatch.setattr(weights, "checkpoints", lambda: made)
    return made


def test_pull_fetches_verifies_and_then_asks_no_more(known: dict[str, Checkpoint], server: type[_Server]) -> None:
    assert weights.state("net").status == "absent"
    (path,) = weights.pull("net")
    assert path.read_bytes() == CONTENT
    assert weights.state("net") == weights.State("verified", SHA)
    assert weights.pull("net") == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(known: dict[str, Checkpoint], server: type[_Server], ranges: bool) -> None:
    server.cut = 1_000_000
    with pytest.raises(AvbenchError, match="goes on"):
        weights.pull("net")
    assert weights.state("net").status == "absent"
    server.cut, server.ranges = None, ranges
    (path,) = weights.pull("net")
    assert path.read_bytes() == CONTENT
    assert server.asked[1].endswith("bytes=1000000-")


def test_a_part_longer_than_the_file_is_thrown_away(known: dict[str, Checkpoint]) -> None:
    target = weights.path_of(known["unhashed"], known["unhashed"].files[0])
    target.parent.mkdir(parents=True)
    target.with_name("net.raw.part").write_bytes(CONTENT + b"more")
    weights.pull("unhashed")
    assert target.read_bytes() == CONTENT
    assert weights.state("unhashed").status == "unverified"


def test_another_file_than_the_published_one_is_refused(known: dict[str, Checkpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(known["net"], files=(replace(known["net"].files[0], sha256="0" * 64),))
    monkeypatch.setitem(known, "net", wrong)
    with pytest.raises(AvbenchError, match="not the published"):
        weights.pull("net")
    assert weights.state("net").status == "absent"


def test_errors_of_the_server_name_the_address(known: dict[str, Checkpoint], server: type[_Server]) -> None:
    with pytest.raises(AvbenchError, match="404"):
        weights.pull("gone")
    with pytest.raises(UsageError, match=r"get hand\.pt from somewhere, then run: avbench weights add by_hand FILE\.$"):
        weights.pull("by_hand")
    with pytest.raises(UnknownName, match="did you mean net"):
        weights.pull("nett")


def test_add_takes_the_right_file_alone(known: dict[str, Checkpoint], tmp_path: Path) -> None:
    good, bad = tmp_path / "any name.bin", tmp_path / "bad.bin"
    good.write_bytes(CONTENT)
    bad.write_bytes(CONTENT[:-1])
    with pytest.raises(UsageError, match="sha256"):
        weights.add("by_hand", bad)
    with pytest.raises(UsageError, match="no file"):
        weights.add("by_hand", tmp_path / "none.bin")
    with pytest.raises(MissingCheckpoint, match="weights add by_hand"):
        weights.paths("by_hand")
    weights.add("by_hand", good)
    assert weights.paths("by_hand")["hand.pt"].read_bytes() == CONTENT


def test_a_file_damaged_later_is_noticed(known: dict[str, Checkpoint]) -> None:
    (path,) = weights.pull("net")
    path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    assert weights.state("net").status == "damaged"
    with pytest.raises(UsageError, match="damaged"):
        weights.paths("net")
    weights.pull("net")
    assert weights.state("net").status == "verified"


def _pull_in_process(root: str, url: str, queue: multiprocessing.Queue[int]) -> None:
    import os

    os.environ["AVBENCH_WEIGHTS"] = root
    item = Checkpoint("net", "a net", "test", "MIT", (File("net.pt", url, len(CONTENT), SHA),))
    weights.checkpoints = lambda: {"net": item}  # type: ignore[assignment]
    queue.put(len(weights.pull("net")))


def test_two_processes_fetch_once(known: dict[str, Checkpoint], server: type[_Server], tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[int] = context.Queue()
    work = partial(_pull_in_process, str(tmp_path / "weights"), server.url, queue)  # type: ignore[attr-defined]
    processes = [context.Process(target=work) for _ in range(2)]
    for process in processes:
        process.start()
    found = sorted(queue.get(timeout=30) for _ in processes)
    for process in processes:
        process.join(30)
    assert found == [0, 1]
    assert len(server.asked) == 1


def test_export_makes_a_folder_another_machine_can_use(
    known: dict[str, Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingCheckpoint):
        weights.export(tmp_path / "carried", ["net"])
    weights.pull("net")
    weights.export(tmp_path / "carried", ["net"])
    (row,) = json.loads((tmp_path / "carried" / "manifest.json").read_text())
    assert (row["checkpoint"], row["sha256"], row["licence"]) == ("net", SHA, "MIT")
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path / "carried"))
    assert weights.state("net").status == "verified"


def test_commands(known: dict[str, Checkpoint], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["weights", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["net"]["status"] == "absent" and rows["net"]["files"][0]["sha256"] == SHA
    assert main(["weights", "verify", "net"]) == 3
    assert main(["weights", "pull", "net", "unhashed"]) == 0
    assert main(["weights", "verify"]) == 0
    assert main(["weights", "export", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["weights", "pull", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
    assert main(["weights", "pull"]) == 2
    assert main(["weights", "add", "net"]) == 2
    assert main(["weights", "export"]) == 2


def test_a_network_takes_its_own_names_alone(known: dict[str, Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    bare = Checkpoint("line", "a line", "test", "MIT", (File("line.pt"),))
    monkeypatch.setitem(known, "line", bare)

    def build() -> object:
        return torch.nn.Linear(2, 3)

    file = tmp_path / "line.pt"
    torch.save({"weight": torch.ones(3, 2), "bias": torch.zeros(3)}, file)
    weights.add("line", file)
    network = weights.network("line", build, build, "cpu")
    assert network(torch.ones(1, 2)).tolist() == [[2.0, 2.0, 2.0]]
    assert not network.training
    torch.save({"weight": torch.ones(3, 2)}, file)
    weights.add("line", file)
    with pytest.raises(AvbenchError, match="bias"):
        weights.network("line", build, build, "cpu")
    file.write_bytes(b"no weights at all")
    with pytest.raises(UsageError, match="no file of weights"):
        weights.add("line", file)
    weights.path_of(bare, bare.files[0]).write_bytes(b"no weights at all")  # put there by hand
    with pytest.raises(AvbenchError, match="cannot be read as weights"):
        weights.network("line", build, build, "cpu")
    with weights.stand_ins():
        assert weights.identity("line") == weights.STAND_IN
        assert weights.network("line", build, build, "cpu").weight.abs().max() > 0
    assert not weights.stand_in()


def test_part_of_a_digest_counts_where_no_more_is_published(
    known: dict[str, Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blob = hashlib.sha1(b"blob 3000000\0" + CONTENT).hexdigest()
    (file,) = known["unhashed"].files
    for facts, kind in (({"sha256_start": SHA[:8]}, "first 8 digits of sha256"), ({"git_blob": blob}, "git blob")):
        monkeypatch.setitem(known, "part", replace(known["unhashed"], name="part", files=(replace(file, **facts),)))
        (path,) = weights.pull("part")
        assert weights.state("part").status == "verified" and known["part"].published == kind
        other = tmp_path / "other.pt"
        other.write_bytes(CONTENT[::-1])
        with pytest.raises(UsageError, match=f"has {'sha256' if 'sha' in kind else 'git blob'} .*, the published file"):
            weights.add("part", other)
        path.write_bytes(CONTENT[::-1])
        assert weights.state("part").status == "damaged"
        path.unlink()
        monkeypatch.setitem(known, "part", replace(known["part"], files=(replace(file, **dict.fromkeys(facts, "0" * 8)),)))
        with pytest.raises(AvbenchError, match="not the published"):
            weights.pull("part")
        assert weights.state("part").status == "absent"
    with pytest.raises(ValueError, match="7 digits"):
        File("net.pt", sha256_start=SHA[:7])


def test_garbage_is_known_before_a_run(
    known: dict[str, Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("net.pth", "net.safetensors"):
        item = Checkpoint("bare", "a net", "test", "MIT", (File(name),))
        monkeypatch.setitem(known, "bare", item)
        (tmp_path / "anything.txt").write_bytes(CONTENT[:1000])
        assert main(["weights", "add", "bare", str(tmp_path / "anything.txt")]) == 2
        assert "no file of weights" in capsys.readouterr().err and weights.state("bare").status == "absent"
        target = weights.path_of(item, item.files[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(CONTENT[:1000])
        assert main(["weights", "verify", "bare"]) == 3
        assert "damaged" in capsys.readouterr().out
        target.unlink()


def test_the_list_says_what_is_not_known(known: dict[str, Checkpoint], capsys: pytest.CaptureFixture[str]) -> None:
    known["moving"] = Checkpoint("moving", "a net", "test", "MIT", weights.on_hub("a/b", "c/net.pt"))
    assert known["moving"].files[0] == File("net.pt", "https://huggingface.co/a/b/resolve/main/c/net.pt")
    assert main(["weights", "list"]) == 0
    rows = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith(("absent", "verified"))}
    assert "main, not pinned" in rows["moving"] and "no digest" in rows["moving"] and " ? " in rows["moving"]
    assert "pinned" in rows["net"] and "not pinned" not in rows["net"] and "3.0 MB" in rows["net"] and "sha256" in rows["net"]
    assert "added by hand" in rows["by_hand"]


def test_every_declared_checkpoint_says_where_it_comes_from() -> None:
    for name, item in weights.checkpoints().items():
        for file in item.files:
            for digest, length in ((file.sha256, 64), (file.git_blob, 40)):
                assert re.fullmatch(rf"([0-9a-f]{{{length}}})?", digest), (name, file.name)
        if not item.pinned:
            assert "branch main (no revision is known)" in item.source, name
        for revision in re.findall(r"/resolve/([0-9a-f]{40})/", " ".join(file.url for file in item.files)):
            assert revision in item.source, name


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_numpy_numbers_beside_weights_are_read(tmp_path: Path, module: str) -> None:
    """As in LAION's files, of before and after NumPy 2; the name in the file is replaced by hand."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pt"
    torch.save({"state_dict": {"a": torch.ones(2)}, "best": np.float64(0.5), "epoch": np.int64(3)}, path)
    _rename_in_pickle(path, module)
    found = weights.read_tensors(path)
    assert found["best"] == 0.5 and found["epoch"] == 3 and found["state_dict"]["a"].tolist() == [1, 1]


def _rename_in_pickle(path: Path, module: str) -> None:
    """Write the module's name into the pickle of a file of ``torch.save``; its names end with a line break."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, re.sub(rb"numpy\._?core\.multiarray\n", module.encode() + b"\n", data))


def test_what_only_code_could_restore_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pt"
    torch.save({"a": torch.ones(2), "path": Path("x")}, path)
    with pytest.raises(AvbenchError, match="cannot be read as weights"):
        weights.read_tensors(path)


def test_an_empty_network_takes_the_files_own_tensors(
    known: dict[str, Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(known, "line", Checkpoint("line", "a line", "test", "MIT", (File("line.pt"),)))

    def build() -> object:
        with torch.device("meta"):
            return torch.nn.Linear(2, 3)

    file = tmp_path / "line.pt"
    torch.save({"weight": torch.ones(3, 2), "bias": torch.full((3,), 0.5)}, file)
    weights.add("line", file)
    read: list[dict[str, object]] = []

    def keep(content: dict[str, object]) -> dict[str, object]:
        read.append(content)
        return content

    network = weights.network("line", build, build, "cpu", keep)
    assert network(torch.ones(1, 2)).tolist() == [[2.5, 2.5, 2.5]]
    assert network.weight.data_ptr() == read[0]["weight"].data_ptr()  # type: ignore[attr-defined]
    torch.save({"weight": torch.ones(3, 2)}, file)
    weights.add("line", file)
    with pytest.raises(AvbenchError, match="bias"):
        weights.network("line", build, build, "cpu")


def test_arrays_beside_the_weights_are_read_and_code_is_not(
    known: dict[str, Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(known, "line", Checkpoint("line", "a line", "test", "MIT", (File("line.pt"),)))
    file = tmp_path / "line.pt"
    content = {"model": {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}, "sampler": {"indexes": np.arange(7), "at": 3}}
    torch.save(content, file, _use_new_zipfile_serialization=False)
    file.write_bytes(file.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))  # as numpy 1 wrote it
    assert b"numpy.core.multiarray" in file.read_bytes()
    read = weights.read_tensors(file)
    assert read["sampler"]["indexes"].tolist() == list(range(7))
    weights.add("line", file)
    network = weights.network("line", lambda: torch.nn.Linear(2, 3), lambda: None, "cpu", convert=lambda whole: whole["model"])
    assert network(torch.ones(1, 2)).tolist() == [[2.0, 2.0, 2.0]]
    torch.save({"weight": torch.ones(3, 2), "path": tmp_path}, file)  # a path is made by calling its class
    with pytest.raises(AvbenchError, match="cannot be read as weights"):
        weights.read_tensors(file)


def test_a_stand_in_keeps_what_is_computed(known: dict[str, Checkpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(known, "kept", Checkpoint("kept", "a line", "test", "MIT", (File("kept.pt"),)))

    def tiny() -> object:
        line = torch.nn.Linear(2, 3)
        torch.nn.init.constant_(line.bias, 7.0)
        torch.nn.init.constant_(line.weight, 7.0)
        return line

    with weights.stand_ins():
        network = weights.network("kept", tiny, tiny, "cpu", keep=("bias",))
    assert network.bias.tolist() == [7.0, 7.0, 7.0] and 7.0 not in network.weight
