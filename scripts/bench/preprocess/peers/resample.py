"""The Python peer of the row resample.only: Pillow's bicubic resize of an image that is decoded already, on one thread.

Argument: JSON {file, size, seconds}. Prints JSON {resizeAndCrop, squash}, each {milliseconds, sha256}: CPU time of each
run, and the hash of uint8 [size,size,3]. The first is what timm does for a square of `size` cut from the middle of a
resize whose short side is floor(size / 0.95), the second a resize of the whole image to the square.
"""

import hashlib
import json
import math
import sys
import time

from PIL import Image


def measure(run, seconds):
    image = run()
    milliseconds = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(milliseconds) < 5:
        start = time.process_time()
        image = run()
        milliseconds.append((time.process_time() - start) * 1000)
    return {"milliseconds": milliseconds, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}


def main():
    options = json.loads(sys.argv[1])
    size = options["size"]
    image = Image.open(options["file"]).convert("RGB")
    short = math.floor(size / 0.95)
    width, height = image.size
    scaled = (short * width // min(width, height), short * height // min(width, height))
    left, top = (round((side - size) / 2) for side in scaled)

    def resize_and_crop():
        return image.resize(scaled, Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))

    def squash():
        return image.resize((size, size), Image.Resampling.BICUBIC)

    runs = {"resizeAndCrop": resize_and_crop, "squash": squash}
    print(json.dumps({name: measure(run, options["seconds"]) for name, run in runs.items()}))


main()
