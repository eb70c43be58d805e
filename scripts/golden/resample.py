"""Writes test/golden/resample.json: timm's transform with Pillow 13 for thousands of image sizes.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/resample.py
"""

import json

from transform import IMAGES, Image, sha256, transform  # first: it makes timm importable
from images import pixels

PLAIN = 200
ALL = 4200
FIXED = [(1, 1), (1, 50), (50, 1), (2, 3), (6000, 4), (4, 6000), (6000, 4000), (3000, 6000), (1, 6000), (224, 224)]
MODES = ["center", "squash", "border"]
FILTERS = ["bicubic", "bilinear"]
PERCENTAGES = [0.875, 0.95, 1.0, 0.9]


class Numbers:
    """A linear congruential generator: the same numbers in every version of everything."""

    def __init__(self, seed: int):
        self.state = seed

    def below(self, limit: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit


def sizes(numbers: Numbers) -> tuple[int, int]:
    """Half of them at least twice as high as wide, where Pillow 13 changes the order of its passes."""
    width = 1 + numbers.below(40 if numbers.below(4) == 0 else 500)
    if numbers.below(2) == 0:
        return width, 1 + numbers.below(600)
    return width, min(width * (2 + numbers.below(3)) + numbers.below(50), 1500)


def case(index: int, numbers: Numbers) -> list:
    width, height = FIXED[index] if index < len(FIXED) else sizes(numbers)
    side = [224, 32, 96, 150][numbers.below(4)]
    size = (3, side, side if numbers.below(3) else 1 + numbers.below(200))
    mode, interpolation = MODES[numbers.below(3)], FILTERS[numbers.below(4) // 3]
    if min(width, height) == 1 and max(width, height) > 100:
        mode = "squash"  # elsewhere Pillow would need gigabytes
    percentage = PERCENTAGES[numbers.below(4)]
    names = {"input_size": size, "crop_mode": mode, "interpolation": interpolation, "crop_pct": percentage}
    try:
        digest = sha256(transform(names, normalize=False)(Image.fromarray(pixels(width, height))).numpy())[:16]
    except ValueError:  # a side would be reduced to nothing
        digest = None
    return [width, height, size[1], size[2], mode, interpolation, percentage, digest]


def main() -> None:
    numbers = Numbers(20260331)
    cases = [case(index, numbers) for index in range(ALL)]
    lines = ",\n".join(json.dumps(one) for one in cases)
    text = f'{{"plain": {PLAIN}, "cases": [\n{lines}\n]}}\n'
    (IMAGES.parent / "resample.json").write_text(text)


if __name__ == "__main__":
    main()
