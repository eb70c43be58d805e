"""Writes test/golden/transform.json: what Pillow decodes, and what timm's evaluation transform makes of it.

Run with the Python of .oracle, after images.py: .oracle/bin/python scripts/golden/transform.py
"""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "export"))

import torchvision_operators  # noqa: F401,E402, isort: skip
import numpy as np  # noqa: E402
import PIL  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, create_transform  # noqa: E402
from timm.data.transforms import ResizeKeepRatio, str_to_interp_mode  # noqa: E402
from torchvision import transforms  # noqa: E402

IMAGES = ROOT / "test" / "golden" / "images"

#: timm's names; transform.test.ts has ours.
CONFIGS = [
    {},
    {"input_size": (3, 224, 224), "crop_pct": 0.95},
    {"input_size": (3, 288, 288), "crop_pct": 1.0},
    {"input_size": (3, 237, 237), "crop_pct": 0.9},
    {"interpolation": "bilinear", "crop_pct": 0.95},
    {"input_size": (3, 160, 288), "crop_pct": 0.95},
    {"input_size": (3, 65, 33), "crop_pct": 0.875, "interpolation": "bilinear"},
    {"input_size": (3, 300, 301), "crop_pct": 1.5},
    {"crop_mode": "squash", "crop_pct": 0.9},
    {"crop_mode": "squash", "input_size": (3, 96, 50), "crop_pct": 1.0},
    {"crop_mode": "border", "crop_pct": 0.9},
    {"crop_mode": "border", "crop_pct": 1.0, "mean": (0.5, 0.4, 0.3)},
    {"crop_mode": "border", "input_size": (3, 64, 200), "crop_pct": 1.0, "interpolation": "bilinear"},
    {"mean": (0.5,) * 3, "std": (0.5,) * 3},
    {"mean": (0.0,) * 3, "std": (1.0,) * 3},
    {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)},
]
FILES = ["420.jpg", "tall.jpg", "wide.jpg", "large.jpg", "one-pixel.jpg", "rgba.png", "cmyk-adobe.jpg"]


def transform(config, **options):
    """With the defaults of timm's data config, which are not those of create_transform itself."""
    defaults = {"input_size": (3, 224, 224), "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center"}
    return create_transform(**{**defaults, **config}, **options)


def sha256(array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def entry_of(config, image: Image.Image) -> dict:
    rgb = image.convert("RGB")
    try:
        entry = transform(config, normalize=False)(rgb)
    except ValueError:  # a side would be reduced to nothing
        return {"entry": None, "tensor": None}
    tensor = transform(config)(rgb)
    assert entry.dtype == torch.uint8 and tensor.dtype == torch.float32
    return {"entry": sha256(entry.numpy()), "tensor": sha256(tensor.numpy())}


def planes(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def decoded(path: Path) -> dict:
    with Image.open(path) as image:
        rgb = planes(image)
        turned = planes(ImageOps.exif_transpose(image))
        shapes = {"shape": list(rgb.shape), "decoded": sha256(rgb), "turned": sha256(turned)}
        return {"file": path.name, **shapes, **entry_of(CONFIGS[1], image)}


def combination(name: str, config: dict) -> dict:
    with Image.open(IMAGES / name) as image:
        return {"file": name, "config": config, **entry_of(config, image)}


def batch(names: list[str], fit: str, size, interpolation: str) -> dict:
    """Of images of different sizes: resized to one size, or scaled into a box and padded at the right and the bottom."""
    images = [Image.open(IMAGES / name).convert("RGB") for name in names]
    if fit == "resize":
        images = [transforms.functional.resize(image, size, str_to_interp_mode(interpolation)) for image in images]
    elif size is not None:
        images = [ResizeKeepRatio(size, longest=1.0, interpolation=interpolation)(image) for image in images]
    height, width = max(image.height for image in images), max(image.width for image in images)
    entries = torch.zeros(len(images), 3, height, width, dtype=torch.uint8)
    tensors = torch.zeros(len(images), 3, height, width)
    mask = torch.zeros(len(images), height, width, dtype=torch.bool)
    for i, image in enumerate(images):
        place = (..., slice(image.height), slice(image.width))
        entries[i][place] = transforms.functional.pil_to_tensor(image)
        values = transforms.functional.to_tensor(image)
        tensors[i][place] = transforms.functional.normalize(values, IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
        mask[i][place] = True
    digests = {"entry": sha256(entries.numpy()), "tensor": sha256(tensors.numpy()), "mask": sha256(mask.numpy())}
    options = {"fit": fit, "size": size, "interpolation": interpolation}
    return {"files": names, **options, "shape": list(entries.shape), **digests}


def sample(name: str) -> dict:
    """All numbers of something small, for whoever looks for a difference."""
    config = {"input_size": (3, 4, 4), "crop_pct": 0.8}
    with Image.open(IMAGES / name) as image:
        entry = transform(config, normalize=False)(image.convert("RGB"))
        return {"file": name, "config": config, "entry": entry.flatten().tolist()}


def main() -> None:
    readable = [path for path in sorted(IMAGES.iterdir()) if path.name != "no-end-marker.jpg"]
    golden = {
        "versions": {"timm": timm.__version__, "Pillow": PIL.__version__, "torch": torch.__version__.split("+")[0]},
        "images": [decoded(path) for path in readable],
        "combinations": [combination(name, config) for name in FILES for config in CONFIGS],
        "batches": [
            batch(FILES, "resize", [40, 70], "bicubic"),
            batch(FILES, "resize", [90, 31], "bilinear"),
            batch(FILES, "pad", [64, 48], "bicubic"),
            batch(FILES[:4], "pad", [300, 300], "bilinear"),
            batch(["420.jpg", "tall.jpg", "grey.png"], "pad", None, "bicubic"),
        ],
        "samples": [sample(name) for name in FILES],
    }
    text = json.dumps(golden).replace('{"file', '\n{"file')
    (ROOT / "test" / "golden" / "transform.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
