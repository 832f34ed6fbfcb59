"""From token ids to logits with OpenVINO: the second step of the path on a CPU whose vector units multiply bytes."""

from pathlib import Path
from queue import SimpleQueue
from typing import Final

import numpy as np
import openvino
from numpy.typing import NDArray

from serve.cores import available_cores, multiplies_bytes
from serve.errors import ModelError
from serve.forward import Floats
from serve.onnx_forward import INPUTS, OUTPUTS
from serve.packing import PACKED_INPUTS, pack

#: Channels of one token's activation that are rounded with one range of their own. EXPERIMENTS.md has other sizes.
_GROUP: Final = "64"
#: Compiled operations that are kept: more than all sizes need that packing makes.
_KEPT: Final = "20000"


class OpenvinoForward:
    """Runs an exported network with weights in eight bits on the CPU.

    Activations are rounded to eight bits by ranges fixed beforehand or as they come, each token by itself, so that an
    answer does not depend on what it is computed with. A CPU without instructions for products of bytes (VNNI) would
    let their sums overflow, so there the products of the rounded numbers are computed in float32.
    """

    def __init__(self, file: Path, threads: int | None = None) -> None:
        """Load `file`; `threads` is how many compute, all cores that this process may use if None.

        Each computes a batch of its own, which wastes less than several that wait for each other.

        Raises:
            ModelError: OpenVINO cannot read it.
        """
        self.threads = self.parallel = threads or available_cores()
        settings = {
            "NUM_STREAMS": str(self.threads),
            "INFERENCE_NUM_THREADS": str(self.threads),
            # Several processes would be pinned to the same cores.
            "ENABLE_CPU_PINNING": "NO",
            "INFERENCE_PRECISION_HINT": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP,
            "CPU_RUNTIME_CACHE_CAPACITY": _KEPT,
            # OpenVINO's fused attention takes a little longer, and much longer for padded lengths of no multiple of 16.
            "SNIPPETS_MODE": "DISABLE",
            "LP_TRANSFORMS_MODE": "YES" if multiplies_bytes() else "NO",
        }
        try:
            compiled = openvino.Core().compile_model(str(file), "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"OpenVINO cannot read {file} ({reason}); export the model again") from error
        self.packs = {name for given in compiled.inputs for name in given.names} == set(PACKED_INPUTS)
        """Whether the export takes packed tokens; encoders that cannot do it are exported otherwise."""
        self._free: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        for _ in range(self.threads):
            self._free.put(compiled.create_infer_request())
        # OpenVINO (2026.4) sets up its table of array types in its first call, and two first calls at a time wait for
        # each other for ever: one for the interpreter's lock, the other for the table.
        first = np.ones((1, 1), dtype=np.int64)
        self(first, first)

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        number, length = ids.shape
        inputs = pack(ids, mask) if self.packs else dict(zip(INPUTS, (ids, mask), strict=True))
        request = self._free.get()
        try:
            found = request.infer(inputs, share_inputs=True)
            stance, roles = (found[name][:number] for name in OUTPUTS)
        finally:
            self._free.put(request)
        return stance, roles[:, :length]
