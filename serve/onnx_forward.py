"""From token ids to logits with ONNX Runtime: the second step of the path on a CPU."""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from serve.cores import available_cores
from serve.errors import ModelError
from serve.forward import Floats

#: Names of the graph's inputs and outputs.
INPUTS: Final = ("input_ids", "attention_mask")
OUTPUTS: Final = ("stance_logits", "role_logits")


class OnnxForward:
    """Runs an exported network on the CPU, all threads on one batch."""

    parallel = 1
    packs = False

    def __init__(self, file: Path, threads: int | None = None) -> None:
        """Load `file`; `threads` is how many compute one batch, all cores that this process may use if None.

        Raises:
            ModelError: ONNX Runtime cannot read it.
        """
        options = onnxruntime.SessionOptions()
        self.threads = options.intra_op_num_threads = threads or available_cores()
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from whoever else is to run, the service's own event loop
        # first; EXPERIMENTS.md has the figure.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"ONNX Runtime cannot read {file} ({error}); export the model again") from error

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        stance, roles = self._session.run(OUTPUTS, dict(zip(INPUTS, (ids, mask), strict=True)))
        return stance, roles
