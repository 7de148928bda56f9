import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HandMadeServer extends AsyncDisposable {
  readonly url: string;
  /** `METHOD /path` of every request that arrived. */
  readonly seen: readonly string[];
}

/** A real HTTP server that behaves as the test writes it. */
export async function startServer(listener: RequestListener, port = 0): Promise<HandMadeServer> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with a value as JSON. */
export const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** An address at which nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = await startServer(() => {});
  await server[Symbol.asyncDispose]();
  return server.url;
}
