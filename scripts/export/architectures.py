"""Exports timm models without their weights: for each a small TorchScript archive, and a manifest that says what it is.

    python scripts/export/architectures.py --out data/architectures resnet18 resnet18.os8 tf_efficientnet_lite0

`.os8` asks for output stride 8: strides are constants of a program. Filled by name, an archive gives timm's results bit
for bit, which is checked before anything is written.
"""

import argparse
import hashlib
import json
from pathlib import Path

from archive import build, weightless_archive, write


def export(name: str, folder: Path) -> None:
    architecture, _, stride = name.partition(".os")
    model, _ = build(architecture, **({"output_stride": int(stride)} if stride else {}))
    content, metadata = weightless_archive(model)
    manifest = {"archive": f"{name}.pt", "sha256": hashlib.sha256(content).hexdigest(), **metadata}
    write(folder / f"{name}.pt", content)
    write(folder / f"{name}.json", (json.dumps(manifest, indent=2) + "\n").encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, help="the folder")
    parser.add_argument("names", nargs="+", help="names that timm.create_model knows, with .os8 or .os16 behind them")
    arguments = parser.parse_args()
    for name in arguments.names:
        export(name, arguments.out)


if __name__ == "__main__":
    main()
