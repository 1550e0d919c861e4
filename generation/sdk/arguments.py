"""The arguments of one call as they take effect, and what of them goes on record."""

import hashlib
import inspect
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.sdk.errors import UnmarkableOutput
from generation.sdk.weights import tensor_bytes

LARGEST = 2**53 - 1
KEY = re.compile(r"[a-z][a-z0-9_]*")
PROMPT = re.compile(r"prompt(_[0-9]+)?")
# Said elsewhere, or about the call and not about the image.
NOT_RECORDED = frozenset(
    {"self", "generator", "return_dict", "output_type", "callback_on_step_end", "callback"}
)


@dataclass
class BoundCall:
    """A call with every default filled in. ``arguments`` is what the pipeline will be given."""

    arguments: dict[str, Any]
    seeds: tuple[str, ...]
    as_tuple: bool

    @property
    def prompt(self) -> str:
        """Return all prompts of the call, one below the other."""
        texts = [self.arguments[name] for name in sorted(self.arguments) if PROMPT.fullmatch(name)]
        return "\n".join(line for text in texts for line in _lines(text))

    def parameters(self) -> dict[str, Any]:
        """Return the effective arguments in the JSON that goes on record: no floats, no objects."""
        return {
            name: plain(value)
            for name, value in self.arguments.items()
            if name not in NOT_RECORDED and not PROMPT.fullmatch(name) and KEY.fullmatch(name)
        }


def bind(pipeline: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BoundCall:
    """Bind a call to the pipeline's signature, fill in defaults, and see to a known seed.

    Raises TypeError as the pipeline itself would, and UnmarkableOutput when it would not return
    PIL images: latents, arrays and tensors carry no marks.
    """
    signature = inspect.signature(type(pipeline).__call__)
    bound = signature.bind(pipeline, *args, **kwargs)
    bound.apply_defaults()
    arguments = _flatten(signature, bound)
    wanted = arguments.get("output_type", "pil")
    if wanted != "pil":
        raise UnmarkableOutput(f"output_type is {wanted!r}, wanted 'pil': only images are marked")
    as_tuple = arguments.get("return_dict") is False
    if "return_dict" in arguments:
        arguments["return_dict"] = True
    return BoundCall(arguments, _settle_seeds(arguments), as_tuple)


def count_steps(arguments: dict[str, Any]) -> Callable[[], int | None]:
    """Count the steps that run, before the caller's own callback; return how to read the count.

    A third of all pipelines takes no callback: theirs is not known.
    """
    if "callback_on_step_end" not in arguments:
        return lambda: None
    inner, steps = arguments["callback_on_step_end"], [0]

    def count(pipeline: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        steps[0] += 1
        if inner is None:
            return values
        returned: dict[str, Any] = inner(pipeline, step, timestep, values)
        return returned

    _keep_tensor_inputs(inner, arguments)
    arguments["callback_on_step_end"] = count
    return lambda: steps[0]


def plain(value: Any) -> Any:
    """Return ``value`` in plain JSON: floats as text, tensors and images by digest."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items() if KEY.fullmatch(str(key))}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return _by_digest(value)


def _by_digest(value: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"type": type(value).__name__}
    if hasattr(value, "detach"):
        content: Any = tensor_bytes(value)
    elif hasattr(value, "tobytes"):
        content = value.tobytes()
    else:
        return said
    size: Any = value.shape if hasattr(value, "shape") else getattr(value, "size", ())
    said["size"] = [int(side) for side in size]
    said["sha256"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return said


def _flatten(signature: inspect.Signature, bound: inspect.BoundArguments) -> dict[str, Any]:
    """Return bound arguments by name, those of ``**kwargs`` among them, without ``self``."""
    flat: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            flat.update(value)
        else:
            flat[name] = value
    return flat


def _settle_seeds(arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return the seeds as text, after putting a fresh generator in where none was given."""
    if "generator" not in arguments:
        return ()  # cannot be made again
    if arguments["generator"] is None:
        import torch

        fresh = torch.Generator(device="cpu")
        fresh.manual_seed(secrets.randbits(63))
        arguments["generator"] = fresh
    given = arguments["generator"]
    generators = given if isinstance(given, list | tuple) else [given]
    return tuple(str(each.initial_seed()) for each in generators)


def _keep_tensor_inputs(inner: Any, arguments: dict[str, Any]) -> None:
    # A PipelineCallback names its inputs itself; behind our function nobody would ask it.
    wanted = getattr(inner, "tensor_inputs", None)
    if wanted and "callback_on_step_end_tensor_inputs" in arguments:
        arguments["callback_on_step_end_tensor_inputs"] = list(wanted)


def _lines(text: Any) -> list[str]:
    if isinstance(text, str):
        return [text]
    return [str(each) for each in text] if isinstance(text, list | tuple) else []
