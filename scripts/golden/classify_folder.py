"""Prints what timm makes of photographs with the model of a folder, its config.json and model.safetensors, as JSON.

    python scripts/golden/classify_folder.py FOLDER PHOTOGRAPH...

By the photograph's name what scripts/golden/classify.py stores: for weights that are on some machines only.
"""

import argparse
import json
from pathlib import Path

from classify import classify  # first: it lets timm import beside a torch for the CPU
import timm
import torch
from PIL import Image
from timm.data import ImageNetInfo, create_transform, resolve_model_data_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="as a snapshot of a repository of the hub")
    parser.add_argument("photos", nargs="+", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    model = timm.create_model(f"local-dir:{arguments.folder}", pretrained=True).eval()
    transform = create_transform(**resolve_model_data_config(model))
    info = ImageNetInfo("imagenet-1k")
    with torch.inference_mode():
        photos = {path: transform(Image.open(path).convert("RGB")) for path in arguments.photos}
        print(json.dumps({path.name: classify(model, x, info) for path, x in photos.items()}))


if __name__ == "__main__":
    main()
