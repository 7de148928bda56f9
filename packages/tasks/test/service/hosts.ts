import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createTaskService, type TaskService, type TaskServiceOptions } from '@mad/tasks/service';
import Fastify from 'fastify';
import { Hono } from 'hono';

export interface Hosted extends AsyncDisposable {
  readonly service: TaskService;
  /** Base of the operations, as callers see it. */
  readonly url: string;
  readonly send: (path: string, init?: RequestInit) => Promise<Response>;
}

export interface Host {
  readonly name: string;
  /** False where there is no connection that could be written to by hand. */
  readonly hasSocket: boolean;
  open(options: TaskServiceOptions): Promise<Hosted>;
}

const PREFIX = '/tasks';

/** Every way in which a service may be reached, with real frameworks around it. */
export const hosts: readonly Host[] = [
  {
    name: 'its own server',
    hasSocket: true,
    async open(options) {
      const service = createTaskService(options);
      const { url } = await service.listen();
      return hosted({ service, url });
    },
  },
  {
    name: 'node:http below a prefix',
    hasSocket: true,
    async open(options) {
      const service = createTaskService({ ...options, basePath: PREFIX });
      const server = createServer(service.handle);
      return hosted({ service, url: (await listen(server)) + PREFIX, close: () => shut(server) });
    },
  },
  {
    name: 'Fastify below a prefix',
    hasSocket: true,
    async open(options) {
      const service = createTaskService({ ...options, basePath: PREFIX });
      const app = Fastify({ forceCloseConnections: true });
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, _payload, done) => done(null));
      app.all(`${PREFIX}/*`, (request, reply) => {
        reply.hijack();
        return service.handle(request.raw, reply.raw);
      });
      const url = await app.listen({ port: 0, host: '127.0.0.1' });
      return hosted({ service, url: url + PREFIX, close: () => app.close() });
    },
  },
  {
    name: 'Hono, mounted',
    hasSocket: true,
    async open(options) {
      const service = createTaskService(options);
      const app = new Hono().mount(PREFIX, service.fetch);
      const server = createAdaptorServer({ fetch: app.fetch }) as Server;
      return hosted({ service, url: (await listen(server)) + PREFIX, close: () => shut(server) });
    },
  },
  {
    name: 'its Fetch handler alone',
    hasSocket: false,
    async open(options) {
      const service = createTaskService({ ...options, basePath: PREFIX });
      const url = `http://host.example${PREFIX}`;
      return hosted({ service, url, send: (path, init) => service.fetch(new Request(url + path, init)) });
    },
  },
];

function hosted({
  service,
  url,
  send = (path, init) => fetch(url + path, init),
  close = async () => {},
}: Pick<Hosted, 'service' | 'url'> & { send?: Hosted['send']; close?: () => Promise<void> }): Hosted {
  return {
    ...{ service, url, send },
    async [Symbol.asyncDispose]() {
      await service.close({ graceMs: 0, cancelMs: 0 });
      await close();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
