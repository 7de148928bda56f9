import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** What a service is asked and how it may misbehave: the path names the fault. */
export interface FaultServer extends AsyncDisposable {
  readonly url: string;
  /** Bytes that were taken from it, by path; those in buffers of the system included. */
  readonly sent: ReadonlyMap<string, number>;
}

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
/** 256 MiB of zeros. */
const BOMB = gzipSync(Buffer.alloc(256 * 1024 * 1024));
const GOOD = { poses: [{ affinity: -7.1 }] };
const declared = (code: string) => ({ error: { code, message: 'said by the service' } });

/** A fresh chunk as long as the client takes any. */
function pour(response: ServerResponse, sent: (bytes: number) => void): void {
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  const write = (): void => {
    while (!response.destroyed && response.write(chunk, () => sent(chunk.byteLength)));
    response.once('drain', write);
  };
  write();
}

export async function startFaultServer(redirectTo: string): Promise<FaultServer> {
  const sent = new Map<string, number>();
  const count = (path: string) => (bytes: number) => void sent.set(path, (sent.get(path) ?? 0) + bytes);
  const later = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();
  const behaviours: Readonly<Record<string, Behaviour>> = {
    good: (response) => json(response, 200, GOOD),
    'status-400': (response) => json(response, 400, declared('INVALID_LIGAND')),
    'status-404': (response) => response.writeHead(404).end(),
    'status-409': (response) => json(response, 409, declared('CONFLICT')),
    'status-418-html': (response) => response.writeHead(418, { 'content-type': 'text/html' }).end('<h1>no</h1>'),
    'status-429-seconds': (response) => {
      response.setHeader('retry-after', '60');
      json(response, 429, declared('TOO_MANY'));
    },
    'status-429-date': (response) => response.writeHead(429, { 'retry-after': later(60) }).end(),
    'status-500': (response) => json(response, 500, declared('CRASHED')),
    'status-503-seconds': (response) => response.writeHead(503, { 'retry-after': '60' }).end(),
    'status-503-date': (response) => response.writeHead(503, { 'retry-after': later(60) }).end(),
    'status-599': (response) => response.writeHead(599).end(),
    'status-203': (response) => json(response, 203, GOOD),
    'status-206': (response) => json(response, 206, GOOD),
    'no-content': (response) => response.writeHead(204).end(),
    empty: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(),
    html: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>proxy</h1>'),
    'no-type': (response) => response.writeHead(200).end(JSON.stringify(GOOD)),
    'bad-json': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"poses":'),
    'bad-utf8': (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from('227b22ff22', 'hex')),
    'wrong-type': (response) => json(response, 200, { poses: 'none' }),
    'wrong-shape': (response) => json(response, 200, { error: { message: 'failed, with status 200' } }),
    'not-a-number': (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"poses":[{"affinity":1e999}]}'),
    deep: (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`${'['.repeat(200_000)}${']'.repeat(200_000)}`),
    redirect: (response) => response.writeHead(302, { location: redirectTo }).end(),
    'redirect-307': (response) => response.writeHead(307, { location: redirectTo }).end(),
    'hang-before-headers': () => {},
    'hang-in-body': (response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"poses":['),
    drip: (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(timer));
    },
    oversize: (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      pour(response, count('oversize'));
    },
    'oversize-announced': (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(2 ** 33) });
      pour(response, count('oversize-announced'));
    },
    'gzip-bomb': (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(BOMB);
    },
    'headers-too-large': (response) =>
      response.writeHead(200, { 'x-large': 'a'.repeat(64 * 1024), 'content-type': 'application/json' }).end('{}'),
    truncated: (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"poses":[', () => response.destroy());
    },
    reset: (response) => response.socket?.resetAndDestroy(),
    'reset-in-body': (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"poses":[', () => response.socket?.resetAndDestroy());
    },
  };
  const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    request.resume();
    const behave = behaviours[(request.url ?? '').split('/')[1] ?? ''];
    if (behave) behave(response, request);
    else response.writeHead(404).end();
  });
  return { ...(await listen(server)), sent };
}

/** A server that speaks no HTTP: what it sends first is all it sends. */
export async function startRawServer(answer: string | undefined): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    if (answer === undefined) socket.destroy();
    else socket.once('data', () => socket.end(answer));
  });
  return listen(server);
}

/** A server whose certificate nobody vouches for: it has none. */
export async function startSecureServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createSecureServer({}, (_, response) => response.end());
  const { url, ...rest } = await listen(server);
  return { url: url.replace('http:', 'https:'), ...rest };
}

async function listen(server: Server): Promise<{ readonly url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
