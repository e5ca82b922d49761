"""Synchformer's weights out of its authors' checkpoint, which wraps them in configuration objects."""

from __future__ import annotations

import pickle
import types
from pathlib import Path
from typing import Any

from avbench.errors import AvbenchError

READ = {  # what rebuilding a tensor takes; whatever else the file names is not looked up
    ("collections", "OrderedDict"),
    ("torch", "Size"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
}


class _Inert(dict[Any, Any]):
    """Stands for an object whose code is not run: it takes any arguments, items and state, and keeps none of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """A list's item is dropped."""

    def extend(self, items: Any) -> None:
        """A list's items are dropped."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(module, name) if (module, name) in READ else _Inert


def read_upstream(path: Path) -> dict[str, Any]:
    """Tensors by the names of the network's parameters; no code that the file names is run.

    Raises:
        AvbenchError: the file is no such checkpoint.
    """
    import torch

    reader: Any = types.ModuleType("reader")
    reader.Unpickler = _Reader
    try:
        content = torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)
        found = content["model"]
        state = {name.removeprefix("module."): tensor for name, tensor in found.items()}
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, AttributeError, ValueError, EOFError) as error:
        raise AvbenchError(f"{path} is no checkpoint of Synchformer's training: {str(error).splitlines()[0]}") from error
    if not state or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise AvbenchError(f"{path} holds no tensors under 'model'.")
    return state
