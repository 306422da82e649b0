// Brings packets of sound from the socket to the worklet, and acknowledges every twentieth.

const EVERY = 20;

onmessage = ({ data: { address, port } }) => {
  let received = 0;
  const open = () => {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    received = 0;
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") return;
      port.postMessage(data, [data]);
      received += 1;
      if (received % EVERY === 0) socket.send(String(received));
    };
    socket.onclose = () => setTimeout(open, 1000);
  };
  open();
};
