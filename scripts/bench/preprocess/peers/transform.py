"""The Python peer of the rows preprocess.*: timm's transform from JPEG bytes to the normalised tensor, on one thread.

Argument: JSON {files, model, seconds}; model is a name that timm knows, at least five runs are made of each file.
Prints JSON {file: {milliseconds, shape, sha256}}: CPU time of each run, and the hash of float32 [3,H,W] little-endian.
"""

import hashlib
import io
import json
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import timm  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from timm.data import create_transform, resolve_data_config  # noqa: E402


def measure(content, transform, seconds):
    def run():
        with Image.open(io.BytesIO(content)) as image:
            return transform(image.convert("RGB"))

    tensor = run()
    milliseconds = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(milliseconds) < 5:
        start = time.process_time()
        tensor = run()
        milliseconds.append((time.process_time() - start) * 1000)
    sha256 = hashlib.sha256(tensor.numpy().astype("<f4").tobytes()).hexdigest()
    return {"milliseconds": milliseconds, "shape": list(tensor.shape), "sha256": sha256}


def main():
    options = json.loads(sys.argv[1])
    torch.set_num_threads(1)
    config = timm.get_pretrained_cfg(options["model"]).to_dict()
    transform = create_transform(**resolve_data_config(pretrained_cfg=config))
    results = {file: measure(Path(file).read_bytes(), transform, options["seconds"]) for file in options["files"]}
    print(json.dumps(results))


main()
