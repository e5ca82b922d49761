"""Fill networks and inputs by a rule: an integer hash of a name and an index, the same numbers on every machine.

With it two implementations of one network can be compared without any file of weights: give both the same parameter names,
fill both, feed both the same input, and the outputs must agree. Integer arithmetic alone decides the values, so neither a random
generator's version nor the processor matters.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def hashed(name: str, count: int, offset: int = 0) -> NDArray[np.float64]:
    """``count`` numbers in [-1, 1), float64 (count,): element i is murmur3's 32-bit finaliser of i and ``crc32(name)``."""
    index = np.arange(offset, offset + count, dtype=np.uint64).astype(np.uint32)
    word = index * np.uint32(0x9E3779B1) + np.uint32(zlib.crc32(name.encode()))  # arrays wrap around at 32 bits
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        word ^= word >> np.uint32(shift)
        word *= np.uint32(factor)
    word ^= word >> np.uint32(16)
    return np.asarray(word / 2.0**31 - 1.0, dtype=np.float64)


def rule_input(name: str, shape: Sequence[int], scale: float = 1.0, shift: float = 0.0) -> NDArray[np.float32]:
    """An input of a network: float32 of ``shape``, uniform in [shift - scale, shift + scale)."""
    return (hashed(f"input:{name}", math.prod(shape)).reshape(shape) * scale + shift).astype(np.float32)


def rule_parameter(name: str, shape: Sequence[int], gain: float = 1.0) -> NDArray[np.float32]:
    """A parameter or buffer by its name in the state dict, float32 of ``shape``.

    Matrices and kernels have variance gain^2 / fan-in, other weights lie around 1, running variances in [0.5, 1.5),
    biases and running means in [-0.1, 0.1): signals neither die out nor explode in a deep network.
    """
    values = hashed(name, math.prod(shape)).reshape(shape)
    if len(shape) >= 2:
        values *= np.sqrt(3.0 * gain * gain / math.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 1.0 + 0.5 * values
    elif name.endswith("weight"):
        values = 1.0 + 0.2 * values
    else:
        values = 0.1 * values
    return np.asarray(values, dtype=np.float32)


def rule_fill(network: Any, gain: float = 1.0, keep: Sequence[str] = ()) -> Any:
    """Fill a ``torch.nn.Module`` in place and return it.

    Args:
        network: any module.
        gain: see ``rule_parameter``.
        keep: parts of names whose tensors keep their values (windows, filter banks, masks). Scalars and integer buffers
            always do.
    """
    import torch

    state = network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.ndim and not any(part in name for part in keep):
            state[name] = torch.from_numpy(rule_parameter(name, tuple(tensor.shape), gain))
    network.load_state_dict(state, strict=True)
    return network
