"""The Python peer of the row classify.stream: timm's ResNet18 over files, read by a DataLoader with worker processes.

Argument: JSON {files, archive, batch, workers, threads, logits}; archive holds the weights, logits is the file that
takes float32 [files,1000] little-endian. Prints JSON {seconds, imagesPerSecond}: from the first request to the last
logits, the start of the workers included, imports and the model's construction not.
"""

import json
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import timm  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from timm.data import create_transform, resolve_model_data_config  # noqa: E402


class Photographs(torch.utils.data.Dataset):
    def __init__(self, files, transform):
        self.files = files
        self.transform = transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as image:
            return self.transform(image.convert("RGB"))


def main():
    options = json.loads(sys.argv[1])
    torch.set_num_threads(options["threads"])
    model = timm.create_model("resnet18").eval()
    model.load_state_dict(torch.jit.load(options["archive"]).state_dict())
    transform = create_transform(**resolve_model_data_config(model))
    loader = torch.utils.data.DataLoader(
        Photographs(options["files"], transform), batch_size=options["batch"], num_workers=options["workers"]
    )
    with torch.inference_mode():
        model(torch.zeros(options["batch"], 3, 224, 224))
        start = time.perf_counter()
        logits = torch.cat([model(images) for images in loader])
        seconds = time.perf_counter() - start
    Path(options["logits"]).write_bytes(logits.numpy().astype("<f4").tobytes())
    print(json.dumps({"seconds": seconds, "imagesPerSecond": len(options["files"]) / seconds}))


main()
