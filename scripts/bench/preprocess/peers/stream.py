"""The Python peer of the rows classify.stream and embed.folder: timm's ResNet18 over files, read by a DataLoader with
worker processes.

Argument: JSON {verb, archive, folder, names, batch, workers, threads, rows}; names are those of files in the folder,
archive holds the weights, rows is the file that takes float32 [files,1000] logits, or [files,512] vectors of length 1
where the verb is embed, little-endian. Prints JSON {seconds, imagesPerSecond}: from the first request to the last row,
the start of the workers included, imports and the model's construction not.
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


def classify(model, images):
    return model(images)


def embed(model, images):
    pooled = model.forward_head(model.forward_features(images), pre_logits=True)
    return torch.nn.functional.normalize(pooled)


VERBS = {"classify": classify, "embed": embed}


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
    run = VERBS[options["verb"]]
    files = [Path(options["folder"], name) for name in options["names"]]
    torch.set_num_threads(options["threads"])
    model = timm.create_model("resnet18").eval()
    model.load_state_dict(torch.jit.load(options["archive"]).state_dict())
    transform = create_transform(**resolve_model_data_config(model))
    loader = torch.utils.data.DataLoader(
        Photographs(files, transform), batch_size=options["batch"], num_workers=options["workers"]
    )
    with torch.inference_mode():
        run(model, torch.zeros(options["batch"], 3, 224, 224))
        start = time.perf_counter()
        rows = torch.cat([run(model, images) for images in loader])
        seconds = time.perf_counter() - start
    Path(options["rows"]).write_bytes(rows.numpy().astype("<f4").tobytes())
    print(json.dumps({"seconds": seconds, "imagesPerSecond": len(files) / seconds}))


main()
