"""Which clips VBench judges under a dimension."""

from __future__ import annotations

from avbench.clip import Prompt
from avbench.errors import Unscorable
from avbench_metrics._maths.vbench_total import DIMENSIONS


def check_dimension(prompt: Prompt, dimension: str) -> None:
    """VBench judges each dimension on its own prompts. A prompt without any (of another benchmark, of a folder) is always judged.

    Raises:
        Unscorable: the prompt has VBench's dimensions, and this one is not among them.
    """
    named = [tag for tag in prompt.categories if tag in DIMENSIONS]
    if named and dimension not in named:
        raise Unscorable(f"VBench judges this prompt under {', '.join(named)} alone.")
