"""Writes test/golden/net.pt and values.pt, small TorchScript archives, and modules.json: what they return in Python.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/modules.py
"""

import io
import warnings
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from op_cases.fill import fill
from ops import ROOT, encode, write
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 4))
        self.register_buffer("scale", torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(x).mean([2, 3])) * self.scale

    @torch.jit.export
    def features(self, x: Tensor) -> Tensor:
        return self.block(x)


class Pair(NamedTuple):
    name: str
    value: Tensor


class Values(nn.Module):
    def forward(self, x: Tensor) -> Dict[str, List[Tuple[int, Tensor]]]:
        none: List[Tuple[int, Tensor]] = []
        return {"pairs": [(1, x), (2, x + 1)], "none": none}

    @torch.jit.export
    def defaults(self, a: int, b: float = 0.5, c: Optional[str] = None, d: bool = True) -> Tuple[int, float, str, bool]:
        return a, b, "none" if c is None else c, d

    @torch.jit.export
    def named(self, x: Tensor) -> Pair:
        return Pair("sum", x.sum())

    @torch.jit.export
    def numbered(self, x: Tensor) -> Dict[int, Optional[Tensor]]:
        return {0: x, -1: None}

    @torch.jit.export
    def any(self, value: Any) -> Any:
        return value

    @torch.jit.export
    def fail(self, n: int) -> int:
        if n > 2:
            raise ValueError("n is " + str(n))
        return n

    @torch.jit.export
    def big(self) -> List[int]:
        return [9007199254740991, 9007199254740992, -9007199254740993, 9223372036854775807]


def save(module, file, extra_files):
    """Without debug information, which holds the path of this file."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer, _extra_files=dict(extra_files))
    reader = torch._C.PyTorchFileReader(io.BytesIO(buffer.getvalue()))
    writer = torch._C.PyTorchFileWriter(str(ROOT / "test/golden" / file))
    for name in reader.get_all_records():
        if not name.endswith(".debug_pkl") and name != "version" and not name.startswith(".data/"):
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()


def main():
    net = Net().eval()
    with torch.no_grad():
        for seed, (name, tensor) in enumerate(net.state_dict().items()):
            if tensor.is_floating_point() and name != "scale":
                tensor.copy_(fill(list(tensor.shape), seed=seed) / 4)
        net.block.norm.running_var.abs_().add_(0.5)
    x = fill([2, 2, 4, 4])
    files = {"meta.json": '{"classes": 4}', "notes/öffentlich.txt": "zwölf\n"}
    save(net, "net.pt", files)
    save(Values(), "values.pt", {})
    cases = [
        {"method": "forward", "input": encode(x), "output": encode(net(x))},
        {"method": "features", "input": encode(x), "output": encode(net.features(x))},
        {"parameters": [name for name, _ in net.named_parameters()]},
        {"buffers": [name for name, _ in net.named_buffers()]},
        {"submodules": [name for name, _ in net.named_modules() if name]},
        {"extraFiles": files},
        {"linear": encode(net.head[1].weight)},
    ]
    write("modules.json", cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
