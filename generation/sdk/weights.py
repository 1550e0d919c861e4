"""Digests of a pipeline: its files, the weights as loaded, its configuration, its environment.

Each notices what the others miss: files are what was shipped; loaded weights show a fused
adapter or an edited tensor; the configuration holds scheduler and options; the environment is
what decides whether a seed gives the same image again.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from generation.sdk.errors import RecorderError

DOMAIN = b"muniment/weights/v1\0"
WEIGHT_FILES = (".safetensors", ".bin", ".ckpt", ".pt", ".pth")
READ_BYTES = 1 << 20
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "accelerate", "numpy")


def file_digests(folder: Path) -> list[dict[str, str]]:
    """Return path and SHA-256 of every weights file below ``folder``, in the order of paths.

    Raises RecorderError when there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix in WEIGHT_FILES)
    if not found:
        raise RecorderError(f"no weights files are below {folder}")
    return [
        {"path": path.relative_to(folder).as_posix(), "sha256": _digest_file(path)}
        for path in found
    ]


def effective_digest(pipeline: Any) -> str:
    """Return the digest over all tensors that are loaded: name, type, shape, bytes.

    Tensors go in the order of component and name, each part framed by its length.
    """
    state = hashlib.sha256(DOMAIN)
    for name, tensor in _tensors(pipeline):
        said = f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}".encode()
        content = tensor_bytes(tensor)
        state.update(len(said).to_bytes(8, "big") + said)
        state.update(len(content).to_bytes(8, "big"))
        state.update(content)
    return f"sha256:{state.hexdigest()}"


def state_mark(pipeline: Any) -> tuple[Any, ...]:
    """Return a cheap mark that changes when loaded weights change; no evidence by itself.

    The sum of each tensor catches edits through ``.data``, as adapters are fused, which
    torch's own version counter does not see.
    """
    import torch

    with torch.no_grad():
        return tuple(
            (name, tensor.data_ptr(), tensor._version, _sum(tensor))
            for name, tensor in _tensors(pipeline)
        )


def config_digest(pipeline: Any) -> str:
    """Return the digest of classes and options of the pipeline and its components.

    Left out is what leaks or moves: names that begin with ``_``, such as the local path.
    """
    said = {
        "class": type(pipeline).__name__,
        "config": _options(pipeline),
        "components": {
            name: {"class": type(component).__name__, "config": _options(component)}
            for name, component in sorted(pipeline.components.items())
        },
        "adapters": _adapters(pipeline),
    }
    return _digest(said)


def environment(pipeline: Any) -> dict[str, Any]:
    """Return the parts that decide whether a seed gives the same image again."""
    import torch

    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": str(getattr(pipeline, "device", "")),
        "dtype": str(getattr(pipeline, "dtype", "")),
        "threads": torch.get_num_threads(),
        "safety_checker": getattr(pipeline, "safety_checker", None) is not None,
        # Some pipelines add a mark of their own as soon as a certain package is there.
        "own_watermark": getattr(pipeline, "watermark", None) is not None,
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def environment_digest(said: Mapping[str, Any]) -> str:
    """Return the digest of ``environment``."""
    return _digest(said)


def tensor_bytes(tensor: Any) -> Any:
    """Return the raw bytes of a tensor of any type, as something that hashes take."""
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else b""


def _tensors(pipeline: Any) -> Iterator[tuple[str, Any]]:
    import torch

    for component, module in sorted(pipeline.components.items()):
        if isinstance(module, torch.nn.Module):
            for name, tensor in sorted(module.state_dict().items()):
                yield f"{component}.{name}", tensor


def _sum(tensor: Any) -> float:
    import torch

    return float(tensor.sum(dtype=torch.float64))


def _options(component: Any) -> dict[str, Any]:
    config = getattr(component, "config", None)
    if config is None:
        return {}
    values = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    return {name: value for name, value in values.items() if not name.startswith("_")}


def _adapters(pipeline: Any) -> list[str]:
    active = getattr(pipeline, "get_active_adapters", None)
    try:
        return sorted(active()) if active else []
    except (ValueError, ImportError):  # without the package for adapters there are none
        return []


def _digest(value: Any) -> str:
    # By type where a value has no JSON: its repr may hold an address in memory.
    text = json.dumps(value, sort_keys=True, default=lambda other: type(other).__name__)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digest_file(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            state.update(chunk)
    return f"sha256:{state.hexdigest()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
