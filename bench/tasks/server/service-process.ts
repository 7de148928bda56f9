import { createServer, type Socket } from 'node:net';
import { ANSWER } from '../dock-document.ts';

// A service that costs as little as HTTP allows, so that the caller is what is measured: it looks for the end of each request and answers.
const body = Buffer.from(JSON.stringify(ANSWER));
const answer = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.byteLength}\r\n\r\n`),
  body,
]);
const HEAD_END = '\r\n\r\n';

function serve(socket: Socket): void {
  let text = '';
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (let size = sizeOf(text); size > 0; size = sizeOf(text)) {
      text = text.slice(size);
      socket.write(answer);
    }
  });
}

/** Bytes of the first request in the text; 0 while it is not whole. */
function sizeOf(text: string): number {
  const head = text.indexOf(HEAD_END);
  if (head < 0) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head + 2))?.[1];
  const chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(text.slice(0, head + 2));
  if (chunked) {
    const end = text.indexOf('\r\n0\r\n\r\n', head + 2);
    return end < 0 ? 0 : end + 7;
  }
  const size = head + HEAD_END.length + Number(length ?? 0);
  return text.length >= size ? size : 0;
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.on('disconnect', () => process.exit());
