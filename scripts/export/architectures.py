"""Exports timm models without their weights: for each a small TorchScript archive, and a manifest that says what it is.

    python scripts/export/architectures.py --out data/architectures resnet18 resnet18.os8 tf_efficientnet_lite0

`.os8` asks for output stride 8: strides are constants of a program. Filled by name, an archive gives timm's results bit
for bit, which is checked before anything is written.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from pathlib import Path

from archive import build, weightless_archive, write

Process = multiprocessing.get_context("fork").Process


def export(name: str, folder: Path) -> None:
    architecture, _, stride = name.partition(".os")
    model, _ = build(architecture, **({"output_stride": int(stride)} if stride else {}))
    content, metadata = weightless_archive(model)
    manifest = {"archive": f"{name}.pt", "sha256": hashlib.sha256(content).hexdigest(), **metadata}
    write(folder / f"{name}.pt", content)
    write(folder / f"{name}.json", (json.dumps(manifest, indent=2) + "\n").encode())


def export_apart(names: list[str], folder: Path) -> None:
    """Each in a process of its own: TorchScript numbers the classes that it has seen, and an archive holds the numbers."""
    width = len(os.sched_getaffinity(0))
    for i in range(0, len(names), width):
        exports = [Process(target=export, args=(name, folder)) for name in names[i : i + width]]
        for process in exports:
            process.start()
        for process in exports:
            process.join()
        if any(process.exitcode != 0 for process in exports):
            sys.exit(1)  # which one, and why, it has said itself


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, help="the folder")
    parser.add_argument("names", nargs="+", help="names that timm.create_model knows, with .os8 or .os16 behind them")
    arguments = parser.parse_args()
    export_apart(arguments.names, arguments.out)


if __name__ == "__main__":
    main()
