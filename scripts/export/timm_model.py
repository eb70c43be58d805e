"""Exports a timm model with its weights as a TorchScript archive, and holds it against timm before it writes anything.

    python scripts/export/timm_model.py --model resnet18 --out resnet18.pt [--weights model.safetensors]

The archive's methods are `forward`, `forward_features` and `forward_head`, and a ResNet's `forward_intermediates`.
Without --weights the weights follow the rule of fill.py. Scripted, never traced: a trace cannot train.
"""

import argparse
from pathlib import Path

from archive import build, full_archive, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a name that timm.create_model knows, such as resnet18")
    parser.add_argument("--out", required=True, type=Path, help="the archive")
    parser.add_argument("--weights", type=Path, help="a safetensors file with timm's keys; by default a rule fills all")
    arguments = parser.parse_args()
    write(arguments.out, full_archive(*build(arguments.model, arguments.weights)))


if __name__ == "__main__":
    main()
