"""The Python peer of the row weights.load: safetensors' load_file and load_state_dict into timm's ResNet18.

Argument: JSON {weights, loads, touch, input, shape}; touch is the TorchScript function that touches every page of a
list of tensors, input a file of float32 of that shape. Prints JSON {milliseconds, logits}: of each load into a fresh
model until every page was touched, the first one too, which is the process's first; and logits with the weights of the
last.
"""

import json
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import numpy  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

def main():
    options = json.loads(sys.argv[1])
    touch = torch.jit.CompilationUnit(options["touch"]).touch
    for _ in range(5):  # TorchScript compiles while a function is called for the first times
        touch([torch.zeros(1), torch.zeros(1)])
    milliseconds = []
    for _ in range(options["loads"]):
        model = timm.create_model("resnet18").eval()
        start = time.perf_counter()
        model.load_state_dict(load_file(options["weights"]))
        touch(list(model.state_dict().values()))
        milliseconds.append((time.perf_counter() - start) * 1000)
    image = numpy.fromfile(options["input"], "<f4").reshape(options["shape"])
    with torch.inference_mode():
        logits = model(torch.from_numpy(image)).flatten().tolist()
    print(json.dumps({"milliseconds": milliseconds, "logits": logits}))


main()
