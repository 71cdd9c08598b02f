"""The safetensors format, written in pieces: eight bytes of length, a JSON header, the values.

The library `safetensors` writes whole files of its own only; here they go through the store's
streams, and nobody has to install it. What is written can be read by it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch

DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64",
    "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "uint16": "U16", "uint32": "U32",
    "uint64": "U64", "complex64": "C64",
}  # fmt: skip
"""torch's names of types and the format's."""
PIECE = 1 << 22


def write(stream: BinaryIO, tensors: Mapping[str, Any]) -> None:
    """Write dense tensors, one after the other; each is brought to memory in turn."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, tensor in tensors.items():
        end = start + tensor.numel() * tensor.element_size()
        kind = DTYPES[str(tensor.dtype).removeprefix("torch.")]
        header[name] = {
            "dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, end],
        }  # fmt: skip
        start = end
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    stream.write(struct.pack("<Q", len(text)) + text)
    for tensor in tensors.values():
        values = _bytes_of(tensor)
        for first in range(0, len(values), PIECE):
            stream.write(values[first : first + PIECE])


def _bytes_of(tensor: Any) -> memoryview:
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    if flat.numel() == 0:
        return memoryview(b"")
    whole = flat.untyped_storage()
    first = flat.storage_offset() * flat.element_size()
    size = flat.numel() * flat.element_size()
    raw = torch.empty(0, dtype=torch.uint8).set_(whole)[first : first + size]
    try:
        return memoryview(raw.numpy().data)
    except RuntimeError:  # torch without numpy
        return memoryview(bytes(raw.tolist()))


def read(content: bytes) -> dict[str, Any]:
    """The tensors in the bytes of a file, which they do not share."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    names = {short: name for name, short in DTYPES.items()}
    found = {}
    for name, facts in header.items():
        if name == "__metadata__":
            continue
        first, last = (8 + length + offset for offset in facts["data_offsets"])
        kind = getattr(torch, names[facts["dtype"]])
        tensor = torch.empty(facts["shape"], dtype=kind)
        if last > first:
            part = torch.frombuffer(bytearray(content[first:last]), dtype=torch.uint8)
            tensor = part.view(kind).reshape(facts["shape"])
        found[name] = tensor
    return found
