"""A server of graphs over KServe's protocol, version 2, such as Triton.

In: tensors. Out: tensors of the very names, shapes and types that were asked for. What a server
answers is a stranger's data: its size has a limit before it is read, its time has one, and every
number is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import ELEMENT_TYPES, Signature
from instrument.bundle.card import Tensor
from instrument.bundle.open_graph import Tensors
from instrument.errors import LatentkeysError, MissingExtraError
from instrument.remote.address import TOKEN_NAME, Address

MOST_ANSWER_BYTES = 2**26
"""A minute of sound at 192 kHz has 46 MB."""
MOST_TENSORS = 64
_DATATYPES = {"FP32": "float32", "INT64": "int64"}
_KSERVE = {dtype: name for name, dtype in _DATATYPES.items()}
_CHANNEL = (
    ("grpc.max_receive_message_length", MOST_ANSWER_BYTES + 2**16),
    ("grpc.max_send_message_length", MOST_ANSWER_BYTES + 2**16),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
)
_REFUSALS = {
    "DEADLINE_EXCEEDED": "has not answered within {seconds:g} s",
    "UNAVAILABLE": "cannot be reached",
    "UNAUTHENTICATED": f"wants a token, or another one, in the variable {TOKEN_NAME}",
    "PERMISSION_DENIED": f"wants another token in the variable {TOKEN_NAME}",
    "NOT_FOUND": "does not have {model}; `latentkeys export MODEL --triton FOLDER` makes it",
}

Answer = TypeVar("Answer")


class ServerError(LatentkeysError):
    """A server does not answer, refuses, or answers nonsense."""


class Server:
    """One server; any thread may ask it.

    Nothing goes over the network before something is asked.

    Parameters
    ----------
    address
        Where it is.

    Raises
    ------
    MissingExtraError
        tritonclient is not installed.
    """

    def __init__(self, address: Address) -> None:
        try:
            import tritonclient.grpc as client
            from tritonclient.utils import InferenceServerException
        except ImportError as missing:
            raise MissingExtraError("--renderer", "tritonclient", "remote") from missing
        self.name = address.target
        self._client, self._refusal = client, InferenceServerException
        self._headers = {"authorization": f"Bearer {address.token}"} if address.token else None
        self._server = client.InferenceServerClient(
            address.target, ssl=address.is_secure, channel_args=list(_CHANNEL)
        )

    def signature(self, model: str, seconds: float) -> tuple[Signature, Signature]:
        """Ask what a graph takes and gives.

        Parameters
        ----------
        model
            Its name there.
        seconds
            So long it may take.

        Raises
        ------
        ServerError
            There is none of that name, or no answer.
        """
        said = self._ask(self._server.get_model_metadata, seconds, model)
        return self._signature(said.inputs), self._signature(said.outputs)

    def run(
        self, model: str, tensors: Tensors, outputs: Iterable[Tensor], seconds: float
    ) -> Tensors:
        """Run a graph once.

        Parameters
        ----------
        model
            Its name there.
        tensors
            What goes in, by name; shapes and types are those that `signature` gave.
        outputs
            What has to come out.
        seconds
            So long it may take.

        Raises
        ------
        ServerError
            No answer in time, a refusal, or other tensors than there should be.
        """
        wanted = [self._client.InferRequestedOutput(tensor.name) for tensor in outputs]
        given = [self._input(name, array) for name, array in tensors.items()]
        result = self._ask(self._server.infer, seconds, model, given, outputs=wanted)
        response = result.get_response()
        try:
            return {tensor.name: _array(response, tensor) for tensor in outputs}
        except ValueError as problem:
            raise ServerError(f"{self.name} answers nonsense: {model[:80]}: {problem}") from problem

    def close(self) -> None:
        """End the connection."""
        self._server.close()

    def _input(self, name: str, array: NDArray[Any]) -> Any:
        tensor = self._client.InferInput(name, array.shape, _KSERVE[array.dtype.name])
        tensor.set_data_from_numpy(array)
        return tensor

    def _ask(self, call: Callable[..., Answer], seconds: float, *what: Any, **more: Any) -> Answer:
        try:
            return call(*what, **more, headers=self._headers, client_timeout=seconds)
        except self._refusal as refusal:
            status = str(refusal.status() or "").removeprefix("StatusCode.")
            said = (str(refusal.message()).splitlines() or [""])[0][:200]
            known = _REFUSALS.get(status, "says {status}: {said}")
            known = known.format(seconds=seconds, model=what[0], status=status, said=said)
            raise ServerError(f"{self.name} {known}") from refusal

    def _signature(self, tensors: Any) -> Signature:
        if len(tensors) > MOST_TENSORS:
            raise ServerError(f"{self.name} answers nonsense: {len(tensors)} tensors")
        return {
            tensor.name: (
                ELEMENT_TYPES.get(_DATATYPES.get(tensor.datatype, ""), tensor.datatype[:20]),
                tuple(tensor.shape[:8]),
            )
            for tensor in tensors
        }


def _array(response: Any, tensor: Tensor) -> NDArray[Any]:
    """Read one tensor of an answer.

    Raises
    ------
    ValueError
        It is not there, of another type or shape, too short, or has no finite numbers.
    """
    found = [at for at, output in enumerate(response.outputs) if output.name == tensor.name]
    if not found:
        raise ValueError(f"{tensor.name} is missing")
    output = response.outputs[found[0]]
    if _DATATYPES.get(output.datatype) != tensor.dtype or tuple(output.shape) != tensor.shape:
        raise ValueError(
            f"{tensor.name} must be {tensor.dtype} {list(tensor.shape)}, is "
            f"{output.datatype[:20]} {list(output.shape[:8])}"
        )
    dtype = np.dtype(tensor.dtype).newbyteorder("<")
    if response.raw_output_contents:
        raw = response.raw_output_contents
        content = raw[found[0]] if found[0] < len(raw) else b""
        size = int(np.prod(tensor.shape, dtype=np.int64)) * dtype.itemsize
        if len(content) != size:
            raise ValueError(f"{tensor.name} must have {size} bytes, has {len(content)}")
        array = np.frombuffer(content, dtype)
    else:
        contents = output.contents
        listed = contents.fp32_contents if tensor.dtype == "float32" else contents.int64_contents
        array = np.fromiter(listed, dtype, len(listed))
    array = array.reshape(tensor.shape).astype(tensor.dtype)  # the caller's own
    if not np.isfinite(array).all():
        raise ValueError(f"{tensor.name} has numbers that are none")
    return array
