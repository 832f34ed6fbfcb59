"""The network for ONNX Runtime, in float32."""

import logging
import warnings
from pathlib import Path
from typing import cast

import torch

from serve.network import StanceNetwork
from serve.onnx_forward import INPUTS, OUTPUTS

#: Logits change with neither, so any will do that are not 1, which the exporter would take for fixed.
_BATCH, _TOKENS = 2, 8


def export_onnx(network: StanceNetwork, file: Path) -> None:
    """Write `network` to `file` as one ONNX graph that takes batches of any size and length."""
    ids = torch.full((_BATCH, _TOKENS), 1, dtype=torch.long)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    # The exporter tells at length what it lacks for networks of other kinds.
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    attention = network.encoder.config._attn_implementation
    try:
        # As plain products and a softmax: torch's own attention is exported with a guard against rows that see nothing.
        network.encoder.set_attn_implementation("eager")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network.eval(),
                (ids, torch.ones_like(ids)),
                input_names=INPUTS,
                output_names=OUTPUTS,
                dynamic_shapes=(shape, shape),
                dynamo=True,
                verbose=False,
            )
    finally:
        network.encoder.set_attn_implementation(attention)
        exporter.setLevel(level)
    # None is returned only if a file name was given, which would put the weights into another file.
    cast(torch.onnx.ONNXProgram, program).save(str(file), external_data=False)
