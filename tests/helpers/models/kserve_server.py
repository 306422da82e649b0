"""A real server of KServe's protocol over real sockets: grpcio around onnxruntime.

``python -m tests.helpers.models.kserve_server REPOSITORY`` reads a folder as Triton does, prints
its port, and serves until its stdin ends. Without Triton this is what the remote renderer is tested
with; the protocol's messages and stubs are those that tritonclient ships.
"""

import argparse
import hmac
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime
from tritonclient.grpc import service_pb2 as messages
from tritonclient.grpc import service_pb2_grpc as service

_DATATYPES = {"tensor(float)": "FP32", "tensor(int64)": "INT64"}
_DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype(np.float32), "INT64": np.dtype(np.int64)}
MOST_BYTES = 2**28


class GraphServer(service.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """Serves ``MODEL/1/model.onnx`` of a repository; `late` seconds after it was asked."""

    def __init__(self, repository: Path, token: str = "", late: float = 0.0) -> None:
        self._repository, self._token, self.late = repository, token, late
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}

    def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        return messages.ServerReadyResponse(ready=True)

    def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        session = self._session(request.name, context)
        return messages.ModelMetadataResponse(
            name=request.name,
            versions=["1"],
            platform="onnxruntime_onnx",
            inputs=[_tensor(tensor) for tensor in session.get_inputs()],
            outputs=[_tensor(tensor) for tensor in session.get_outputs()],
        )

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        session = self._session(request.model_name, context)
        time.sleep(self.late)
        feeds = {
            tensor.name: np.frombuffer(raw, _DTYPES[tensor.datatype]).reshape(tensor.shape)
            for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        names = [tensor.name for tensor in request.outputs]
        arrays = self.outputs(session.run(names, feeds))
        datatypes = {dtype: name for name, dtype in _DTYPES.items()}
        return messages.ModelInferResponse(
            model_name=request.model_name,
            outputs=[
                messages.ModelInferResponse.InferOutputTensor(
                    name=name, datatype=datatypes.get(array.dtype, "FP64"), shape=array.shape
                )
                for name, array in zip(names, arrays, strict=True)
            ],
            raw_output_contents=[array.tobytes() for array in arrays],
        )

    def outputs(self, arrays: list[Any]) -> list[Any]:
        """What is answered instead of what was computed: for servers that answer nonsense."""
        return arrays

    def _session(self, name: str, context: Any) -> onnxruntime.InferenceSession:
        sent = dict(context.invocation_metadata()).get("authorization", "")
        if self._token and not hmac.compare_digest(sent, f"Bearer {self._token}"):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
        path = self._repository / name / "1" / "model.onnx"
        if not path.is_file():
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {name}")
        if name not in self._sessions:
            self._sessions[name] = onnxruntime.InferenceSession(path)
        return self._sessions[name]


def _tensor(tensor: Any) -> Any:
    return messages.ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=_DATATYPES[tensor.type], shape=tensor.shape
    )


def started(servicer: GraphServer, port: int = 0, tls: tuple[Path, Path] | None = None) -> Any:
    """Start serving; returns the server and its port."""
    limits = [
        ("grpc.max_send_message_length", MOST_BYTES),
        ("grpc.max_receive_message_length", MOST_BYTES),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(ThreadPoolExecutor(2), options=limits)
    service.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    if tls:
        pair = tuple(path.read_bytes() for path in tls)
        port = server.add_secure_port(
            f"127.0.0.1:{port}", grpc.ssl_server_credentials([(pair[1], pair[0])])
        )
    else:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


class ServerProcess:
    """A server in a process of its own, which may be stopped or killed."""

    def __init__(self, repository: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(repository), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.address = f"grpc://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def serving(servicer: GraphServer, **options: Any) -> Iterator[str]:
    """Serve from a thread of this process; yields the address."""
    server, port = started(servicer, **options)
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--late", type=float, default=0.0)
    parser.add_argument("--token", default="")
    parser.add_argument("--tls", type=Path, nargs=2)
    asked = parser.parse_args()
    servicer = GraphServer(asked.repository, asked.token, asked.late)
    server, port = started(servicer, asked.port, tuple(asked.tls) if asked.tls else None)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    main()
