"""From token ids to logits with OpenVINO: the second step of the path on a CPU whose vector units multiply bytes."""

from pathlib import Path
from queue import SimpleQueue
from typing import Final

import numpy as np
import openvino
from numpy.typing import NDArray

from serve.cores import available_cores, instructions, multiplies_bytes
from serve.errors import ModelError
from serve.forward import Floats
from serve.onnx_forward import INPUTS, OUTPUTS
from serve.schedule import PADDING, TOKEN_BUDGET

#: Channels of one token's activation that are rounded with one range of their own. EXPERIMENTS.md has other sizes.
_GROUP: Final = "64"
#: Numbers in a vector of AVX-512, which its softmax takes at a time.
_LANES: Final = 16
#: Rows up to which a batch is not filled up to the longest of its lot.
_FEW: Final = 2
#: Compiled operations that are kept: more than all shapes need that there are (see `_filled_up`).
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
        # Narrower vectors have not been tried.
        self.lanes = _LANES if multiplies_bytes() and "avx512f" in instructions() else 1
        settings = {
            "NUM_STREAMS": str(self.threads),
            "INFERENCE_NUM_THREADS": str(self.threads),
            # Several processes would be pinned to the same cores.
            "ENABLE_CPU_PINNING": "NO",
            "INFERENCE_PRECISION_HINT": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP,
            "CPU_RUNTIME_CACHE_CAPACITY": _KEPT,
            # OpenVINO's fused attention is slow for lengths that are no multiple of sixteen, by a tenth of all time.
            "SNIPPETS_MODE": "DISABLE",
            "LP_TRANSFORMS_MODE": "YES" if multiplies_bytes() else "NO",
        }
        try:
            compiled = openvino.Core().compile_model(str(file), "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"OpenVINO cannot read {file} ({reason}); export the model again") from error
        self._free: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        for _ in range(self.threads):
            self._free.put(compiled.create_infer_request())
        # OpenVINO (2026.4) sets up its table of array types in its first call, and two first calls at a time wait for
        # each other for ever: one for the interpreter's lock, the other for the table.
        first = np.ones((1, 1), dtype=np.int64)
        self(first, first)

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        number, tokens = ids.shape
        rows, columns = _filled_up(number, tokens, self.lanes)
        missing = ((0, rows - number), (0, columns - tokens))
        # In rows of nothing but padding all of it is to be seen, for a mean over no token would be no number.
        seen = np.pad(mask, missing)
        seen[number:] = 1
        request = self._free.get()
        try:
            found = request.infer(dict(zip(INPUTS, (np.pad(ids, missing), seen), strict=True)), share_inputs=True)
            stance, roles = (found[name][:number] for name in OUTPUTS)
        finally:
            self._free.put(request)
        return stance, roles[:, :tokens]


def _filled_up(number: int, tokens: int, lanes: int) -> tuple[int, int]:
    """The rows and columns that a batch of `number` sentences of `tokens` tokens is filled up to.

    Code is compiled for each shape that comes, which takes longer than computing a small one, and is kept. Shapes that
    are few are soon all there, and neither time nor memory goes into new ones. Rows become less than half as many more;
    a batch that is full is left as it is.
    """
    full = max(1, TOKEN_BUDGET // tokens)
    if number == full:
        return number, tokens
    power = 1 << (number.bit_length() - 1)
    rows = next(size for size in (power, power * 3 // 2, power * 2) if size >= number)
    if number < full:
        rows = min(rows, full)
    # The longest of the lot, or of half of it where that is dear; what does not end one below a multiple of the padding
    # was cut at the longest that the network takes.
    step = 1 if lanes == 1 or (tokens + 1) % PADDING else lanes if rows > _FEW else lanes // 2
    return rows, tokens + -(tokens + 1) % step
