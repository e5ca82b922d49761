"""Files of weights: read by name, without running anything that they name."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from avbench import tensors
from avbench.errors import AvbenchError

torch = pytest.importorskip("torch")


class _Harmless(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.small = torch.nn.Linear(2, 3).half()
        self.norm = torch.nn.BatchNorm1d(3)
        self.lines = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)])
        self.lines[1].weight = self.lines[0].weight
        self.register_buffer("count", torch.arange(5))
        self.turned, self.none = torch.nn.Parameter(torch.randn(4, 3).t()), torch.nn.Parameter(torch.zeros(0))
        self.sizes = [1, 2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class _Evil(torch.nn.Module):
    """Its program writes a file as soon as torch.jit.load restores the module."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.weight, self.path = torch.zeros(2), path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, str, bool]:
        return (torch.zeros(2), self.path, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, str, bool]) -> None:
        self.weight, self.path, self.training = state[0], state[1], state[2]
        torch.save(torch.ones(3), state[1])


class _Thief:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.system, (f"touch {self.path}",))


def test_a_torchscript_archive_gives_what_torch_would(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.jit.script(_Harmless()).save(str(path))
    wanted, found = torch.jit.load(str(path)).state_dict(), tensors.read_tensors(path)
    assert set(found) == set(wanted) and len(found) == 14
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype, name
    assert found["lines.0.weight"].data_ptr() == found["lines.1.weight"].data_ptr()
    assert tensors.flaw(path) == ""
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AvbenchError, match="cannot be read as weights"):
        tensors.read_tensors(path)


def test_the_program_of_an_archive_never_runs(tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pt", tmp_path / "stolen"
    torch.jit.script(_Evil(str(trace))).save(str(path))
    torch.jit.load(str(path))
    assert trace.exists()  # the archive is as evil as it claims
    trace.unlink()
    with pytest.raises(AvbenchError, match="keeps its state by code of its own"):
        tensors.read_tensors(path)
    tensors.read_zip(path, lenient=True)
    assert tensors.flaw(path) == "" and not trace.exists()


@pytest.mark.parametrize("old", [False, True])
def test_pickled_code_is_refused_in_a_few_words(tmp_path: Path, old: bool) -> None:
    path, trace = tmp_path / "net.pt", tmp_path / "stolen"
    torch.save({"a": torch.ones(2), "b": _Thief(trace)}, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(AvbenchError, match=r"holds posix\.system, which only running code could restore\.$"):
        tensors.read_tensors(path)
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(_Thief(trace)))
    with pytest.raises(AvbenchError) as caught:
        tensors.read_tensors(tmp_path / "bare.pt")
    assert "weights_only" not in str(caught.value) and not trace.exists()


def test_a_header_tells_weights_from_anything_else(tmp_path: Path) -> None:
    save = pytest.importorskip("safetensors.torch").save_file
    good: dict[str, Path] = {}
    for name, old in (("zip.pth", False), ("old.pth", True)):
        good[name] = tmp_path / name
        torch.save({"a": torch.ones(4)}, good[name], _use_new_zipfile_serialization=not old)
    good["new.safetensors"] = tmp_path / "new.safetensors"
    save({"a": torch.ones(4)}, good["new.safetensors"])
    good["words.json"] = tmp_path / "words.json"
    good["words.json"].write_text(json.dumps({"a": 1}))
    assert [tensors.flaw(path) for path in good.values()] == ["", "", "", ""]
    for name in ("net.pth", "net.bin", "net.safetensors", "net.json", "am.mvn"):
        for content in (b"", b"some text", os.urandom(1000), good["new.safetensors"].read_bytes()[:-1], b"PK\x03\x04 half"):
            path = tmp_path / "anything"
            path.write_bytes(content)
            assert bool(tensors.flaw(path, name)) == (not content or name != "am.mvn"), (name, content[:20])
    torch.save({"a": 1}, tmp_path / "none.pth")
    assert "no file of weights" in tensors.flaw(tmp_path / "none.pth")


def test_a_misfit_is_told_in_three_names_of_a_kind() -> None:
    layer = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(50)))
    state = {f"x.{name}": tensor for name, tensor in layer.state_dict().items()}
    with pytest.raises(AvbenchError, match=r"100 absent \(0.weight, 0.bias, 1.weight, ...\); 100 unknown") as caught:
        tensors.fill(layer, state, "net.pt does not fit")
    assert len(str(caught.value)) < 250
    with pytest.raises(AvbenchError, match=r"1 of another shape \(0.bias \[3\] for \[2\]\)"):
        tensors.fill(layer, {**layer.state_dict(), "0.bias": torch.ones(3)}, "net.pt does not fit")
    tensors.fill(layer, {name: torch.ones_like(tensor) for name, tensor in layer.state_dict().items()}, "net.pt")
    assert layer[7].bias.tolist() == [1.0, 1.0]
