"""What computes a saved model: chosen by what is at hand, or as the user says."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, get_args

from serve.cascade import Cascade
from serve.cores import available_cores, multiplies_bytes
from serve.errors import DeviceError, ModelError
from serve.forward import Forward
from serve.model_folder import CASCADE, EXPORTED, Exported, Manifest, check_files

Backend = Literal["torch", "onnx", "onnx-int8", "openvino-int8"]

#: Fastest first; EXPERIMENTS.md has the figures.
_ON_CPU: Final[tuple[Exported, ...]] = ("openvino-int8", "onnx-int8", "onnx")
#: What there is on Linux of a GPU of NVIDIA's (on a board, and in Windows' Linux), and of AMD's.
_NODES: Final = tuple(map(Path, ("/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")))


def choose_backend(manifest: Manifest, device: str = "auto", backend: str = "auto") -> tuple[Backend, str]:
    """The backend and the device, `cpu` or `cuda`, that `backend` and `device` ask for.

    Raises:
        DeviceError: there is no such backend or device, not on this machine, or they do not go together.
        ModelError: the model was not exported for that backend.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"the device is auto, cpu or cuda, not {device}")
    if backend != "auto" and backend not in get_args(Backend):
        raise DeviceError(f"the backend is auto, {', '.join(get_args(Backend))}, not {backend}")
    if backend in EXPORTED:
        if device == "cuda":
            raise DeviceError(f"the backend {backend} runs on the CPU; choose --backend torch for the GPU")
        if backend not in manifest.exports:
            had = ", ".join(["torch", *manifest.exports])
            raise ModelError(
                f"the model {manifest.name} {manifest.version} has no export for {backend}, only {had}; "
                "choose one of those or train it anew with that name in export.backends"
            )
        if not _installed(backend):
            raise DeviceError(
                f"the backend {backend} needs openvino, which is not installed; install stance-tagger[openvino]"
            )
        return backend, "cpu"
    # Torch is asked only where it may be the one to compute: importing it takes seconds and half of the memory.
    gpu = device == "cuda" or (device == "auto" and _may_have_gpu())
    gpu = gpu and _has_gpu()
    if device == "cuda" and not gpu:
        raise DeviceError("torch finds no GPU that it can use; choose --device cpu or auto")
    if backend == "auto" and not gpu:
        for candidate in _ON_CPU:
            # Otherwise OpenVINO computes in float32, which takes longer than ONNX Runtime in eight bits.
            fast = candidate != "openvino-int8" or multiplies_bytes()
            if candidate in manifest.exports and _installed(candidate) and fast:
                return candidate, "cpu"
    return "torch", "cuda" if gpu else "cpu"


def open_backend(folder: Path, manifest: Manifest, backend: Backend, device: str, threads: int | None) -> Forward:
    """Load the model of `folder` for `backend`.

    Raises:
        ModelError: its files are missing or damaged.
    """
    if backend != "torch":
        file = EXPORTED[backend]
        check_files(folder, manifest, (file,))
        return open_export(backend, folder / file, threads)
    import torch

    from serve.torch_forward import TorchForward
    from serve.weights import load_network

    if device == "cpu":
        torch.set_num_threads(threads or available_cores())
    return TorchForward(load_network(folder, manifest), torch.device(device))


def open_export(backend: Exported, file: Path, threads: int | None = None) -> Forward:
    """Load the exported network `file` for `backend`, on the CPU.

    Raises:
        ModelError: the runtime cannot read it.
    """
    if backend == "openvino-int8":
        from serve.openvino_forward import OpenvinoForward

        return OpenvinoForward(file, threads)
    from serve.onnx_forward import OnnxForward

    return OnnxForward(file, threads)


def open_cascade(folder: Path, manifest: Manifest) -> Cascade:
    """Load the linear model that stands before the network.

    Raises:
        ModelError: the model has none, or its file is missing or damaged.
    """
    if manifest.cascade is None:
        raise ModelError(
            f"the model {manifest.name} {manifest.version} has no linear model to answer first; "
            "leave the cascade off or train anew with cascade.enabled=true"
        )
    check_files(folder, manifest, (CASCADE,))
    return Cascade.load(folder / CASCADE, manifest.cascade.threshold)


def _installed(backend: Exported) -> bool:
    """Whether what runs it is there; ONNX Runtime always is."""
    return backend != "openvino-int8" or find_spec("openvino") is not None


def _may_have_gpu() -> bool:
    """Whether it is worth asking torch."""
    return sys.platform != "linux" or any(node.exists() for node in _NODES)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
