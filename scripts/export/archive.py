"""Turns a timm model into the bytes of a TorchScript archive, held against timm bit for bit."""

import hashlib
import io
import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torchvision_operators  # noqa: F401  before timm
import safetensors.torch
import timm
from calls import Call, standard_calls
from fill import WEIGHTS_RULE, fill_weights, images
from resnet import ResNet, ScriptableResNet, resnet_calls

# Upstream's advice on every call; archives are what these scripts are for.
warnings.filterwarnings("ignore", message=r".*torch\.jit\.\w+` is deprecated", category=DeprecationWarning)


Calls = Callable[[torch.Tensor], Iterable[Call]]

# Programs of file format 6 and later, as every one with GELU, have it under the second name.
VERSION_RECORDS = ("version", ".data/version")


def build(name: str, weights: Path | None = None, **options: object) -> tuple[torch.nn.Module, dict[str, str]]:
    """timm's model in evaluation mode, and where its weights come from. `options` are those of timm.create_model."""
    model = timm.create_model(name, **options)
    if weights is None:
        fill_weights(model)
        origin = {"rule": WEIGHTS_RULE}
    else:
        content = weights.read_bytes()
        model.load_state_dict(safetensors.torch.load(content))
        origin = {"file": weights.name, "sha256": hashlib.sha256(content).hexdigest()}
    return model.eval(), origin


def full_archive(model: torch.nn.Module, origin: dict[str, str]) -> bytes:
    """The program with the model's weights. Raises unless it gives the same bits as the model."""
    scriptable, calls = scriptable_form(model)
    content = _encode(scriptable, metadata_of(model) | {"weights": origin})
    archive = torch.jit.load(io.BytesIO(content))
    with torch.inference_mode():
        _check_state(archive, model)
        _check_results(archive, _results(model, calls))
    return content


def weightless_archive(model: torch.nn.Module) -> tuple[bytes, dict]:
    """The program alone and its metadata. Raises unless, filled again, it gives the same bits as the model, which loses
    its weights."""
    scriptable, calls = scriptable_form(model)
    metadata = metadata_of(model) | {"weights": {"none": "every tensor is one zero, expanded"}}
    with torch.inference_mode():
        expected = _results(model, calls)
        state = model.state_dict()
        _remove_weights(scriptable)
        content = _encode(scriptable, metadata)
        archive = torch.jit.load(io.BytesIO(content))
        archive.load_state_dict(state, assign=True)
        _check_results(archive, expected)
    return content, metadata


def scriptable_form(model: torch.nn.Module) -> tuple[torch.nn.Module, Calls]:
    """A module that TorchScript can hold, which shares its parts with the model or is it, and what must agree."""
    if isinstance(model, ResNet):
        return ScriptableResNet(model), lambda x: resnet_calls(model, x)
    return model, lambda x: standard_calls(model, x)


def metadata_of(model: torch.nn.Module) -> dict:
    """What metadata.json of an archive says."""
    config = model.pretrained_cfg
    height_width = ["H", "W"] if not config.get("fixed_input_size") else list(config["input_size"][1:])
    return {
        "architecture": config["architecture"],
        "torch": torch.__version__,
        "timm": timm.__version__,
        "license": config["license"],
        "labels": "imagenet-1k" if config["num_classes"] == 1000 else None,
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["N", model.in_chans, *height_width]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": ["N", model.num_classes]}],
        "num_classes": model.num_classes,
        "num_features": model.num_features,
        "output_stride": model.feature_info[-1]["reduction"],
        "feature_info": [
            {"module": row["module"], "channels": row["num_chs"], "reduction": row["reduction"]}
            for row in model.feature_info
        ],
        "group_matcher": model.group_matcher(coarse=False),
        "pretrained_cfg": config,
    }


def _encode(scriptable: torch.nn.Module, metadata: dict) -> bytes:
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
    for name in reader.get_all_records():
        content = reader.get_record(name)
        if name in VERSION_RECORDS:
            writer.set_min_version(int(content))  # the record itself is the writer's to add
        elif not name.endswith(".debug_pkl"):
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


def _results(model: torch.nn.Module, calls: Calls) -> list[tuple[Call, object]]:
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
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
