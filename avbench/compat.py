"""Make torchvision and torchaudio importable beside a CPU build of torch.

Their wheels on the package index are built against CUDA. Beside a CPU build of torch the compiled part of torchvision does not load
and its Python part then fails over two operators that nobody declared; torchaudio fails outright. What avbench needs of both is
pure Python. On a CUDA build nothing is touched.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

_kept: list[Any] = []  # torch drops the declarations of a library that is collected


def mend_torch() -> None:
    """Call before the first import of torchvision, torchaudio, or anything built on them (open_clip, timm, transformers ...).

    Does nothing on a CUDA build of torch, and nothing the second time. Calling what the compiled parts would bring (box operators,
    forced alignment) still fails, with an error that says so.
    """
    import torch

    if torch.version.cuda is not None or _kept:
        return
    # find_spec, not import: a package that is not installed needs no mending
    library = torch.library.Library("torchvision", "FRAGMENT")
    _kept.append(library)
    if find_spec("torchvision") is not None and "torchvision" not in sys.modules and not hasattr(torch.ops.torchvision, "nms"):
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    if find_spec("torchaudio") is not None and "torchaudio" not in sys.modules:
        sys.modules["torchaudio._extension"] = _no_extension()


def _no_extension() -> types.ModuleType:
    module: Any = types.ModuleType("torchaudio._extension")
    module._IS_TORCHAUDIO_EXT_AVAILABLE = module._IS_ALIGN_AVAILABLE = False
    module._check_cuda_version = lambda: None
    module.fail_if_no_align = _absent
    return module  # type: ignore[no-any-return]


def _absent(function: Callable[..., Any]) -> Callable[..., Any]:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError(f"{function.__name__} needs torchaudio's compiled part, absent beside a CPU build of torch.")

    return fail
