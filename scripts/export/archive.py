"""Turns a timm model into a TorchScript archive, held against timm before anything is written.

What the export scripts share: each builds a module that TorchScript can hold and lists the calls that must agree.
"""

import argparse
import hashlib
import io
import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import torch
import torchvision_operators  # noqa: F401  before timm
import safetensors.torch
import timm
from fill import WEIGHTS_RULE, fill_weights, images

# Upstream's advice on every call; archives are what these scripts are for.
warnings.filterwarnings("ignore", message=r".*torch\.jit\.\w+` is deprecated", category=DeprecationWarning)


class Call(NamedTuple):
    """A method and its arguments, on which archive and original must agree."""

    method: str
    arguments: tuple
    options: dict = {}


def parse_arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a name that timm.create_model knows, such as resnet18")
    parser.add_argument("--out", required=True, type=Path, help="the archive")
    parser.add_argument("--weights", type=Path, help="a safetensors file with timm's keys; by default a rule fills all")
    parser.add_argument("--weightless", type=Path, help="a second archive: the same program, all weights zero, small")
    return parser.parse_args()


def build(name: str, weights: Path | None) -> tuple[torch.nn.Module, dict[str, str]]:
    """timm's model in evaluation mode, and where its weights come from."""
    model = timm.create_model(name)
    if weights is None:
        fill_weights(model)
        origin = {"rule": WEIGHTS_RULE}
    else:
        content = weights.read_bytes()
        model.load_state_dict(safetensors.torch.load(content))
        origin = {"file": weights.name, "sha256": hashlib.sha256(content).hexdigest()}
    return model.eval(), origin


def export(
    arguments: argparse.Namespace,
    model: torch.nn.Module,
    origin: dict[str, str],
    scriptable: torch.nn.Module,
    calls: Callable[[torch.Tensor], Iterable[Call]],
) -> None:
    """Writes what the command line asks for. `calls` lists what must agree for images float32 [N,C,H,W].

    `scriptable` may share its parts with `model`, or be it; both lose their weights to the weightless archive.
    """
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    full = _encode(scriptable, arguments.model, model, origin)
    archive = torch.jit.load(io.BytesIO(full))
    with torch.inference_mode():
        expected = _results(model, calls)
        _check_state(archive, model)
        _check_results(archive, expected)
        if arguments.weightless is not None:
            state = model.state_dict()
            _remove_weights(scriptable)
            weightless = _encode(scriptable, arguments.model, model, {"none": "every tensor is one zero, expanded"})
            archive = torch.jit.load(io.BytesIO(weightless))
            archive.load_state_dict(state, assign=True)
            _check_results(archive, expected)
            write(arguments.weightless, weightless)
    write(arguments.out, full)


def _encode(scriptable: torch.nn.Module, name: str, model: torch.nn.Module, origin: dict[str, str]) -> bytes:
    metadata = {
        "architecture": name,
        "torch": torch.__version__,
        "timm": timm.__version__,
        "weights": origin,
        "pretrained_cfg": model.pretrained_cfg,
    }
    # By way of memory, because torch.jit.save writes the file's name into the archive.
    buffer = io.BytesIO()
    extra_files = {"metadata.json": json.dumps(metadata, indent=2)}
    torch.jit.save(torch.jit.script(scriptable), buffer, _extra_files=extra_files)
    return _without_debug_records(buffer.getvalue())


def _without_debug_records(archive: bytes) -> bytes:
    """They hold the paths of the sources on this machine.

    Without them, and with PYTHONHASHSEED=0 (TorchScript lists a module's constants in the order of a Python set), an
    archive is the same wherever and whenever it is made.
    """
    reader = torch._C.PyTorchFileReader(io.BytesIO(archive))
    buffer = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(buffer)
    writer.set_min_version(int(reader.get_record("version")))
    for name in reader.get_all_records():
        # The writer adds the version itself.
        if name != "version" and not name.endswith(".debug_pkl"):
            content = reader.get_record(name)
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()
    return buffer.getvalue()


def _remove_weights(module: torch.nn.Module) -> None:
    """Keeps shapes and dtypes. An expanded tensor is stored as its one element; a meta tensor cannot be stored."""

    def zero(tensor: torch.Tensor) -> torch.Tensor:
        return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)

    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, torch.nn.Parameter(zero(parameter), parameter.requires_grad))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, zero(buffer))


def _check_state(archive: torch.jit.ScriptModule, model: torch.nn.Module) -> None:
    expected, actual = model.state_dict(), archive.state_dict()
    if list(actual) != list(expected):
        difference = sorted(set(actual) ^ set(expected)) or "another order"
        raise SystemExit(f"Expected the keys of timm's state dict in the archive but received {difference}")
    if not all(torch.equal(actual[name], expected[name]) for name in expected):
        raise SystemExit("Expected the values of timm's state dict in the archive but received others")


def _results(model: torch.nn.Module, calls: Callable[[torch.Tensor], Iterable[Call]]) -> list[tuple[Call, object]]:
    _, height, width = model.pretrained_cfg["input_size"]
    inputs = [images((batch, model.in_chans, height, width), seed=3, tile=height // 2) for batch in (1, 8)]
    return [(call, getattr(model, call.method)(*call.arguments, **call.options)) for x in inputs for call in calls(x)]


def _check_results(archive: torch.jit.ScriptModule, expected: list[tuple[Call, object]]) -> None:
    """Raises unless both give the same bits, on the first run and on the second, which TorchScript optimizes."""
    for call, result in expected:
        for run in ("first", "second"):
            # Bit for bit: the same kernels run in the same order with the same number of threads.
            actual = getattr(archive, call.method)(*call.arguments, **call.options)
            try:
                torch.testing.assert_close(actual, result, rtol=0, atol=0)
            except AssertionError as error:
                sentence = f"Expected timm's result of {call.method} in the {run} run but received another"
                raise SystemExit(f"{sentence}\n{error}") from error


def write(path: Path, content: bytes) -> None:
    """Never leaves a partial file under the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
