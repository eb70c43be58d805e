"""Writes data/imagenet-1k.json, the classes of ImageNet-1k in the order of a classifier's outputs, from timm's data.

    python scripts/generate/imagenet_labels.py --out data/imagenet-1k.json

An array; entry i is class i: {"wordnetId": the synset, "names": its synonyms, the usual one first}. timm's description
of a class is its names joined by ", ".
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
from timm.data import ImageNetInfo  # noqa: E402


def classes() -> list[dict]:
    info = ImageNetInfo("imagenet-1k")
    result = []
    for index in range(info.num_classes()):
        names = info.index_to_description(index).split(", ")
        if len(set(names)) != len(names) or not all(name == name.strip() != "" for name in names):
            raise SystemExit(f"Expected distinct names for class {index} but received {names}")
        result.append({"wordnetId": info.index_to_label_name(index), "names": names})
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    path = parser.parse_args().out
    # One class per line, so that differences can be read.
    lines = [json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in classes()]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
