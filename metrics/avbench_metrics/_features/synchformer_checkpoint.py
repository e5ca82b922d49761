"""Synchformer's weights out of its authors' checkpoint, which wraps them in configuration objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from avbench.errors import AvbenchError
from avbench.tensors import DAMAGES, read_zip


def read_upstream(path: Path) -> dict[str, Any]:
    """Tensors by the names of the network's parameters; no code that the file names is run.

    Raises:
        AvbenchError: the file is no such checkpoint.
    """
    import torch

    try:
        found = read_zip(path, lenient=True)["model"]
        state = {name.removeprefix("module."): tensor for name, tensor in found.items()}
    except DAMAGES as error:
        raise AvbenchError(f"{path} is no checkpoint of Synchformer's training: {str(error).splitlines()[0]}") from error
    if not state or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise AvbenchError(f"{path} holds no tensors under 'model'.")
    return state
