"""Exports a timm ResNet as a TorchScript archive and holds it against timm before it writes anything.

    python scripts/export/resnet.py --model resnet18 --out resnet18.pt [--weights model.safetensors]

Without --weights the weights follow the rule of fill.py. Scripted, never traced: a trace cannot train.
"""

import argparse
import hashlib
import io
import json
import os
import warnings
from pathlib import Path

import torch
import torchvision_operators  # noqa: F401  before timm
import safetensors.torch
import timm
from fill import WEIGHTS_RULE, fill_weights, images
from timm.models._features import feature_take_indices
from timm.models.resnet import ResNet

# Upstream's advice on every call; archives are what this script is for.
warnings.filterwarnings("ignore", message=r".*torch\.jit\.\w+` is deprecated", category=DeprecationWarning)


class ScriptableResNet(torch.nn.Module):
    """timm's ResNet with every method that TorchScript can hold; state-dict keys and their order are timm's."""

    def __init__(self, model: ResNet) -> None:
        super().__init__()
        self.drop_rate = float(model.drop_rate)
        for name, child in model.named_children():
            self.add_module(name, child)

    @torch.jit.export
    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """[N,3,H,W] to [N,D,H/32,W/32]"""
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    @torch.jit.export
    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """[N,D,H/32,W/32] to [N,K], with pre_logits to [N,D]"""
        x = self.global_pool(x)
        if self.drop_rate > 0.0:
            x = torch.nn.functional.dropout(x, p=self.drop_rate, training=self.training)
        return x if pre_logits else self.fc(x)

    @torch.jit.export
    def forward_intermediates(
        self, x: torch.Tensor, indices: list[int] | None = None, stop_early: bool = False
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The last features and those of the stages asked for (all by default; -1 is the last), in the stages' order."""
        wanted, last = feature_take_indices(5, indices)  # the stem's activation and layer1 to layer4
        if not stop_early:
            last = 4
        intermediates: list[torch.Tensor] = []
        x = self.act1(self.bn1(self.conv1(x)))
        if 0 in wanted:
            intermediates.append(x)
        x = self.maxpool(x)
        # Written out: TorchScript loops over a ModuleList only, and that would rename the state dict's keys.
        if last >= 1:
            x = self.layer1(x)
            if 1 in wanted:
                intermediates.append(x)
        if last >= 2:
            x = self.layer2(x)
            if 2 in wanted:
                intermediates.append(x)
        if last >= 3:
            x = self.layer3(x)
            if 3 in wanted:
                intermediates.append(x)
        if last >= 4:
            x = self.layer4(x)
            if 4 in wanted:
                intermediates.append(x)
        return x, intermediates

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(x), pre_logits=False)


def build(name: str, weights: Path | None) -> tuple[ResNet, dict[str, str]]:
    """timm's model in evaluation mode, and where its weights come from."""
    model = timm.create_model(name)
    if not isinstance(model, ResNet):
        raise SystemExit(f"Expected a model of timm's ResNet class for --model but received {name}")
    if weights is None:
        fill_weights(model)
        origin = {"rule": WEIGHTS_RULE}
    else:
        content = weights.read_bytes()
        model.load_state_dict(safetensors.torch.load(content))
        origin = {"file": weights.name, "sha256": hashlib.sha256(content).hexdigest()}
    return model.eval(), origin


def check(archive: torch.jit.ScriptModule, model: ResNet) -> None:
    """Raises unless both give the same bits, on the first run and on the second, which TorchScript optimizes."""
    expected, actual = model.state_dict(), archive.state_dict()
    if list(actual) != list(expected):
        difference = sorted(set(actual) ^ set(expected)) or "another order"
        raise SystemExit(f"Expected the keys of timm's state dict in the archive but received {difference}")
    if not all(torch.equal(actual[name], expected[name]) for name in expected):
        raise SystemExit("Expected the values of timm's state dict in the archive but received others")
    _, height, width = model.pretrained_cfg["input_size"]
    for batch in (1, 8):
        x = images((batch, model.in_chans, height, width), seed=3, tile=height // 2)
        features = model.forward_features(x)
        calls = [
            ("forward", (x,)),
            ("forward_features", (x,)),
            ("forward_head", (features,)),
            ("forward_head", (features, True)),
            ("forward_intermediates", (x,)),
            ("forward_intermediates", (x, [0, 2, -1])),
        ]
        for method, arguments in calls:
            _check_call(archive, model, method, arguments, {})
        _check_call(archive, model, "forward_intermediates", (x, [1, -3]), {"stop_early": True})


def _check_call(archive: torch.jit.ScriptModule, model: ResNet, method: str, arguments: tuple, options: dict) -> None:
    expected = getattr(model, method)(*arguments, **options)
    for run in ("first", "second"):
        # Bit for bit: the same kernels run in the same order with the same number of threads.
        actual = getattr(archive, method)(*arguments, **options)
        try:
            torch.testing.assert_close(actual, expected, rtol=0, atol=0)
        except AssertionError as error:
            raise SystemExit(f"Expected timm's result of {method} in the {run} run but received another\n{error}")


def write(path: Path, content: bytes) -> None:
    """Never leaves a partial file under the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a name that timm's ResNet class answers to, such as resnet18")
    parser.add_argument("--out", required=True, type=Path, help="the archive")
    parser.add_argument("--weights", type=Path, help="a safetensors file with timm's keys")
    arguments = parser.parse_args()

    model, origin = build(arguments.model, arguments.weights)
    metadata = {
        "architecture": arguments.model,
        "torch": torch.__version__,
        "timm": timm.__version__,
        "weights": origin,
        "pretrained_cfg": model.pretrained_cfg,
    }
    # By way of memory, because torch.jit.save writes the file's name into the archive.
    buffer = io.BytesIO()
    scripted = torch.jit.script(ScriptableResNet(model))
    torch.jit.save(scripted, buffer, _extra_files={"metadata.json": json.dumps(metadata, indent=2)})
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    with torch.inference_mode():
        check(torch.jit.load(io.BytesIO(buffer.getvalue())), model)
    write(arguments.out, buffer.getvalue())


if __name__ == "__main__":
    main()
