"""``python -m avbench_baselines``: what the reference models cost, and the published ones beside them."""

from __future__ import annotations

from collections.abc import Iterator

from avbench.errors import MissingExtra


def rows() -> Iterator[tuple[str, int, int, int]]:
    """Name, parameters, multiply-accumulates of one forward pass and tokens of one clip, model by model."""
    from avbench_baselines._networks import build
    from avbench_baselines._networks.configuration import Preset
    from avbench_baselines._networks.counters import multiply_accumulates, parameters
    from avbench_baselines._networks.full_size import FULL_SIZE
    from avbench_baselines._networks.toy_size import CLIP, PARADIGMS, VARIANTS, toy, toy_sizes

    toys = [
        Preset(f"{name}, equal {matching}", toy(name, toy_sizes(), matching), CLIP)
        for matching in ("parameters", "compute")
        for name in (*PARADIGMS, *VARIANTS)
    ]
    for preset in (*toys, *FULL_SIZE):
        # small ones are counted faster by running them; those that fit no memory, on meta
        network = build(preset.configuration, device="cpu" if preset in toys else "meta")
        lengths = preset.lengths
        tokens = lengths.video + lengths.audio + lengths.text
        yield preset.name, parameters(network), multiply_accumulates(network, lengths), tokens


def main() -> None:
    """Print the table, one line per model as it is counted."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise SystemExit(str(MissingExtra("torch", "clip"))) from error
    print(f"{'model':<40} {'parameters':>12} {'MACs/forward':>13} {'tokens':>7}")
    for name, parameters, work, tokens in rows():
        print(f"{name:<40} {_short(parameters):>12} {_short(work):>13} {tokens:>7}", flush=True)
    print("\nTokens: video, audio and text of one clip. MACs: linear maps, convolutions, attention; both models of a cascade.")


def _short(number: int) -> str:
    """Four digits and a unit."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.4g} {unit}"
    return str(number)


if __name__ == "__main__":
    main()
