"""The network for ONNX Runtime, in float32."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from serve.network import StanceNetwork
from serve.onnx_forward import INPUTS, OUTPUTS

#: Logits change with neither, so any will do that are not 1, which the exporter would take for fixed.
_BATCH, _TOKENS = 2, 8


def export_onnx(network: StanceNetwork, file: Path) -> None:
    """Write `network` to `file` as one ONNX graph that takes batches of any size and length."""
    ids = torch.full((_BATCH, _TOKENS), 1, dtype=torch.long)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    # As plain products and a softmax: torch's own attention is exported with a guard against rows that see nothing.
    write_graph(network, network, "eager", (ids, torch.ones_like(ids)), INPUTS, (shape, shape), file)


def write_graph(
    network: StanceNetwork,
    module: nn.Module,
    attention: str,
    example: tuple[Tensor, ...],
    names: Sequence[str],
    shapes: tuple[Any, ...],
    file: Path,
) -> None:
    """Write `module`, which computes the logits of `network`, to `file` as one ONNX graph.

    Args:
        network: whose encoder is made to use `attention` meanwhile.
        module: the network, or what is around it.
        attention: a name that transformers knows.
        example: inputs to follow through the module.
        names: theirs.
        shapes: which of their axes may have any size.
        file: to write.
    """
    # The exporter tells at length what it lacks for networks of other kinds.
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    before = network.encoder.config._attn_implementation
    try:
        network.encoder.set_attn_implementation(attention)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                example,
                input_names=names,
                output_names=OUTPUTS,
                dynamic_shapes=shapes,
                dynamo=True,
                verbose=False,
            )
    finally:
        network.encoder.set_attn_implementation(before)
        exporter.setLevel(level)
    # None is returned only if a file name was given, which would put the weights into another file.
    cast(torch.onnx.ONNXProgram, program).save(str(file), external_data=False)
