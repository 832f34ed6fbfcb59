"""From token ids to logits with OpenVINO: the second step of the path on a CPU whose vector units multiply bytes."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import openvino
from numpy.typing import NDArray

from serve.cores import available_cores
from serve.errors import ModelError
from serve.forward import Floats
from serve.onnx_forward import INPUTS, OUTPUTS

#: Channels of one token's activation that are rounded with one range of their own. EXPERIMENTS.md has other sizes.
_GROUP: Final = "64"
#: Compiled operations that are kept: more than all shapes need that there are (see `_pieces`).
_KEPT: Final = "20000"


class OpenvinoForward:
    """Runs an exported network with weights in eight bits on the CPU.

    Activations are rounded to eight bits as they come, each token by itself, so that an answer does not depend on what
    it is computed with. Where the CPU has no instructions for that (VNNI), they stay in float32.
    """

    def __init__(self, file: Path, threads: int | None = None) -> None:
        """Load `file`; `threads` is how many compute one batch, all cores that this process may use if None.

        Raises:
            ModelError: OpenVINO cannot read it.
        """
        self.threads = threads or available_cores()
        settings = {
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(self.threads),
            # Several processes would be pinned to the same cores.
            "ENABLE_CPU_PINNING": "NO",
            "INFERENCE_PRECISION_HINT": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP,
            "CPU_RUNTIME_CACHE_CAPACITY": _KEPT,
        }
        try:
            compiled = openvino.Core().compile_model(str(file), "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"OpenVINO cannot read {file} ({reason}); export the model again") from error
        self._request = compiled.create_infer_request()
        self._free = threading.Lock()

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        # A request computes one batch at a time; several of them would only share the same cores.
        with self._free:
            parts = [self._infer(ids[piece], mask[piece]) for piece in _pieces(len(ids))]
        stance, roles = zip(*parts, strict=True)
        return np.concatenate(stance), np.concatenate(roles)

    def _infer(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        found = self._request.infer(dict(zip(INPUTS, (ids, mask), strict=True)), share_inputs=True)
        stance, roles = (found[name] for name in OUTPUTS)
        return stance, roles


def _pieces(rows: int) -> Iterator[slice]:
    """Deal so many rows into pieces of 1, 2, 4, 8, ... rows, the largest first.

    Code is compiled for each shape that comes, which takes longer than computing a small one, and is kept. Shapes that
    are few are soon all there, and neither time nor memory goes into new ones.
    """
    start = 0
    while start < rows:
        size = 1 << ((rows - start).bit_length() - 1)
        yield slice(start, start + size)
        start += size
