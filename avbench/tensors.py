"""Weights out of files that strangers made: names and tensors are read, no code that a file names ever runs."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from avbench.errors import AvbenchError

WEIGHTS = (".safetensors", ".pt", ".pth", ".bin")
OLD_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")  # how torch.save began a file before it wrote zips
STORAGES = {"FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "DoubleStorage": "float64",
            "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
            "ByteStorage": "uint8", "BoolStorage": "bool"}  # fmt: skip
DAMAGES = (pickle.UnpicklingError, RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, OSError,
           zipfile.BadZipFile, RecursionError)  # fmt: skip


class Held(dict[Any, Any]):
    """Stands for an object whose class is never looked up: it takes any arguments, items and state, and runs nothing.

    ``state`` is what the file keeps of it.
    """

    state: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def append(self, item: Any) -> None:
        """A list's item is dropped."""

    def extend(self, items: Any) -> None:
        """A list's items are dropped."""


class _Reader(pickle.Unpickler):
    """Knows tensors, ordered dicts and, as ``Held``, modules of TorchScript; with ``lenient`` every other class is held too."""

    def __init__(self, archive: zipfile.ZipFile, root: str, lenient: bool) -> None:
        super().__init__(archive.open(f"{root}/data.pkl"))
        self.archive, self.root, self.lenient = archive, root, lenient
        self.storages: dict[str, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {("collections", "OrderedDict"): OrderedDict, ("torch", "Size"): tuple,
                 ("torch._utils", "_rebuild_tensor_v2"): _tensor, ("torch._utils", "_rebuild_parameter"): _first}  # fmt: skip
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if module == "torch.jit._pickle" and name.startswith(("build_", "restore_")):
            return _first
        if self.lenient or module.startswith("__torch__"):
            return Held
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """One storage as a flat tensor; those that share it share its memory."""
        import torch

        _, kind, key, _, count = pid
        if key not in self.storages:
            data = bytearray(self.archive.read(f"{self.root}/data/{key}"))
            dtype = getattr(torch, kind)
            self.storages[key] = torch.frombuffer(data, dtype=dtype, count=count) if count else torch.empty(0, dtype=dtype)
        return self.storages[key]


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *rest: Any) -> Any:
    """A view of a storage; torch refuses one that reaches past its end."""
    return storage.as_strided(tuple(size), tuple(stride), offset)


def _first(value: Any, *rest: Any) -> Any:
    return value


def read_tensors(path: Path) -> dict[str, Any]:
    """The content of a ``.safetensors`` file, of a TorchScript archive (its tensors by name), or of a ``torch.save`` file.

    Of the latter only tensors, plain containers, NumPy numbers and arrays are read.

    Raises ``AvbenchError`` where the file is none of these, or holds objects that only running code could restore.
    """
    try:
        if path.suffix == ".safetensors":
            return _safetensors(path)
        if _is_script(path):
            return script_tensors(path)
        import torch

        with torch.serialization.safe_globals(_numpy_values()):
            return dict(torch.load(path, map_location="cpu", weights_only=True))
    except DAMAGES as error:
        raise AvbenchError(f"{path} cannot be read as weights: {_short(error)}.") from error


def script_tensors(path: Path) -> dict[str, Any]:
    """Tensors of a TorchScript archive under the names of its state dict; its program is neither compiled nor called.

    Plain tensor attributes of a module, which are neither parameter nor buffer, are among them.

    Raises ``AvbenchError`` where it is no such archive, or a module keeps its state in a form that only its own code can read.
    """
    try:
        if not _is_script(path):
            raise ValueError("it is no TorchScript archive")
        return dict(_named(read_zip(path)))
    except DAMAGES as error:
        raise AvbenchError(f"{path} cannot be read as weights: {_short(error)}.") from error


def read_zip(path: Path, lenient: bool = False) -> Any:
    """The object that a zip of ``torch.save`` or TorchScript holds.

    Args:
        lenient: objects of classes that are not known here are ``Held`` instead of refused.

    Raises what a damaged file gives (``DAMAGES``).
    """
    with zipfile.ZipFile(path) as archive:
        return _Reader(archive, _root(archive), lenient).load()


def _root(archive: zipfile.ZipFile) -> str:
    """The one folder in a zip of torch that holds the pickle; raises ``ValueError``."""
    (root,) = {name.removesuffix("/data.pkl") for name in archive.namelist() if name.endswith("/data.pkl")}
    return root


def _named(module: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    import torch

    if not isinstance(module, Held) or not isinstance(module.state, dict):
        raise ValueError(f"the module {prefix.rstrip('.') or 'itself'} keeps its state by code of its own")
    for name, value in module.state.items():
        if isinstance(value, torch.Tensor):
            yield prefix + name, value
        elif isinstance(value, Held):
            yield from _named(value, f"{prefix}{name}.")


def _is_script(path: Path) -> bool:
    """A TorchScript archive is a zip like any file of ``torch.save``, but brings ``constants.pkl``."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _short(error: Exception) -> str:
    """What is wrong in a few words; torch's own advice on the matter is to run the file's code."""
    named = re.search(r"GLOBAL (\S+)", str(error))
    if named:
        return f"it holds {named[1]}, which only running code could restore"
    if isinstance(error, pickle.UnpicklingError) and "weights_only" in str(error):
        return "it is no file of tensors"
    return (str(error).splitlines() or [type(error).__name__])[0][:160].rstrip(".")


def _numpy_values() -> list[Any]:
    """What restores NumPy numbers and arrays, as training scripts leave beside the weights; under both names it goes by."""
    import numpy as np
    from numpy._core import multiarray

    number = np.float64(0).__reduce__()[0]  # no public name
    kinds = [type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8", "u1", "u4", "?")]
    names = [(number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    names += [(multiarray._reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    return [*names, np.ndarray, np.dtype, *kinds]


def flaw(path: Path, name: str = "") -> str:
    """Why a file cannot be what its name says, from its header alone; "" where nothing speaks against it.

    Args:
        name: what the file is to be called; "" takes its own. Weights and JSON are looked into, others need only hold something.
    """
    suffix = Path(name or path.name).suffix
    if not path.stat().st_size:
        return f"{path} is empty"
    if suffix == ".json":
        return "" if _is_json(path) else f"{path} is no JSON"
    if suffix == ".safetensors":
        return "" if _has_safetensors_header(path) else f"{path} is no file of weights (no safetensors header that fits its size)"
    if suffix in WEIGHTS and not _has_torch_header(path):
        return f"{path} is no file of weights (torch wrote no such file, or it is cut)"
    return ""


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _has_safetensors_header(path: Path) -> bool:
    """Eight bytes of length, JSON of that length, and data up to where its last tensor ends."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= size - 8:
            return False
        try:
            facts = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in facts.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return False
    return bool(ends) and 8 + length + max(ends) == size


def _has_torch_header(path: Path) -> bool:
    with path.open("rb") as stream:
        if stream.read(len(OLD_MAGIC)) == OLD_MAGIC:
            return True
    try:
        with zipfile.ZipFile(path) as archive:
            root = _root(archive)
            stored = any(name.startswith(f"{root}/data/") for name in archive.namelist())
            return stored and b"_rebuild_tensor" in archive.read(f"{root}/data.pkl")
    except (zipfile.BadZipFile, ValueError, OSError, KeyError):
        return False


def misfit(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """What keeps tensors from being a network's: counts, with the first three names of each kind; "" where they fit."""
    absent = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    other = [
        f"{name} {_shape(given[name])} for {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name in given and _shape(given[name]) != _shape(tensor)
    ]
    kinds = (("absent", absent), ("unknown to the network", unknown), ("of another shape", other))
    return "; ".join(f"{len(names)} {kind} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})" for kind, names in kinds if names)


def _shape(value: Any) -> list[int] | str:
    return list(value.shape) if hasattr(value, "shape") else type(value).__name__


def fill(network: Any, tensors: Mapping[str, Any], what: str, assign: bool = False) -> None:
    """Load tensors into a network strictly.

    Args:
        what: the file and what it should fit, for the message.
        assign: the network takes the tensors themselves instead of copies.

    Raises ``AvbenchError`` where a name or shape differs.
    """
    wrong = misfit(network.state_dict(), tensors)
    if wrong:
        raise AvbenchError(f"{what}: tensors {wrong}.")
    network.load_state_dict(tensors, strict=True, assign=assign)
