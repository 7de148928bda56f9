import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createTaskService } from '@mad/tasks/service';
import { afterEach, describe, expect, test } from 'vitest';
import { startServer } from '../hand-made-server.ts';
import { measure, wait } from '../operations.ts';
import { controlled, until } from './controlled.ts';
import { hosts } from './hosts.ts';
import { toInit } from './serve.ts';

const MOLECULE = 'ATOM 1\nATOM 2\n';
const OPTIONS = { operations: [measure, wait], maxRequestBytes: 1_000, requestTimeoutMs: 300 };
const KEY = 'idempotency-key';

interface Row {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  /** Of the error, for those that fail. */
  readonly code?: string;
  readonly answers?: Record<string, string>;
}

const post = { method: 'POST', path: '/measure/execute', body: { molecule: MOLECULE } };
const json = { 'content-type': 'application/json' };

/** What is the same however a service is reached. */
const table: readonly Row[] = [
  { what: 'a request', ...post, status: 200, answers: json },
  { what: 'the document', method: 'GET', path: '/measure/openapi.json', status: 200, answers: json },
  { what: 'health', method: 'GET', path: '/health', status: 200 },
  { what: 'readiness', method: 'GET', path: '/ready', status: 200 },
  { what: 'readiness of one operation', method: 'GET', path: '/wait/ready?verbose=1', status: 200 },
  { what: 'HEAD', method: 'HEAD', path: '/measure/openapi.json', status: 200, answers: json },
  { what: 'HEAD where there is no GET', method: 'HEAD', path: '/measure/execute', status: 405 },
  {
    ...{ what: 'another method', method: 'PUT', path: '/measure/execute', body: {} },
    ...{ status: 405, code: 'METHOD_NOT_ALLOWED', answers: { allow: 'POST' } },
  },
  {
    ...{ what: 'DELETE where there is only GET', method: 'DELETE', path: '/health' },
    ...{ status: 405, code: 'METHOD_NOT_ALLOWED', answers: { allow: 'GET, HEAD' } },
  },
  { what: 'a percent-encoded path', ...post, path: '/%6Deasure/exe%63ute', status: 200 },
  { what: 'an encoded slash', ...post, path: '/measure%2Fexecute', status: 404, code: 'NOT_FOUND' },
  { what: 'a trailing slash', ...post, path: '/measure/execute/', status: 404, code: 'NOT_FOUND' },
  { what: 'two slashes', ...post, path: '/measure//execute', status: 404, code: 'NOT_FOUND' },
  { what: 'a key that objects have', method: 'GET', path: '/constructor/health', status: 404, code: 'NOT_FOUND' },
  { what: 'text that is not JSON', ...post, body: '{', status: 400, code: 'INVALID_JSON' },
  { what: 'bottomless JSON', ...post, body: '['.repeat(900), status: 400, code: 'INVALID_JSON' },
  { what: 'no body', method: 'POST', path: '/measure/execute', headers: json, status: 400, code: 'INVALID_JSON' },
  {
    ...{ what: 'another content type', ...post, headers: { 'content-type': 'text/plain' } },
    ...{ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  },
  {
    ...{ what: 'a compressed body', ...post, headers: { 'content-encoding': 'gzip' } },
    ...{ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  },
  {
    ...{ what: 'a body beyond the limit', ...post, body: `"${'x'.repeat(5_000)}"` },
    ...{ status: 413, code: 'PAYLOAD_TOO_LARGE' },
  },
  { what: 'a property too many', ...post, body: { molecule: '', scal: 2 }, status: 422, code: 'VALIDATION_FAILED' },
  {
    ...{ what: 'a property __proto__', ...post, body: `{"molecule":"ATOM","__proto__":{"scale":5}}` },
    ...{ status: 422, code: 'VALIDATION_FAILED' },
  },
  { what: 'a failure of the domain', ...post, body: { molecule: 'HETATM' }, status: 422, code: 'NO_ATOMS' },
  {
    ...{ what: 'an Idempotency-Key without end', ...post, headers: { [KEY]: 'k'.repeat(256) } },
    ...{ status: 400, code: 'INVALID_IDEMPOTENCY_KEY' },
  },
  { what: 'the longest Idempotency-Key', ...post, headers: { [KEY]: 'k'.repeat(255) }, status: 200 },
  { what: 'an empty Idempotency-Key', ...post, headers: { [KEY]: '' }, status: 400, code: 'INVALID_IDEMPOTENCY_KEY' },
  { what: 'an execution that nobody knows', method: 'GET', path: '/wait/executions/x', status: 404, code: 'NOT_FOUND' },
];

/** In place of `test` where there is nothing to be tested. */
const leftOut = (..._: Parameters<typeof test>): void => {};

describe.each(hosts)('by $name', ({ name, open, hasSocket }) => {
  test.each(table)('$what is answered with $status $code', async ({ method, path, status, code, answers, ...more }) => {
    await using served = await open(OPTIONS);
    const response = await served.send(path, toInit(method, more));
    expect(response.status).toBe(status);
    for (const [name, value] of Object.entries(answers ?? {})) expect(response.headers.get(name)).toBe(value);
    const text = await response.text();
    if (method === 'HEAD') expect(text).toBe('');
    else if (code === undefined) expect(JSON.parse(text)).not.toHaveProperty('error');
    else expect(JSON.parse(text)).toMatchObject({ error: { code, message: expect.any(String) } });
  });

  test('a body of unknown length is read as far as the limit, and no further', async () => {
    await using served = await open(OPTIONS);
    const headers = { 'content-type': 'application/json' };
    const body = new Blob([JSON.stringify({ molecule: 'ATOM'.repeat(500) })]).stream();
    const response = await served.send(post.path, { method: 'POST', headers, body, duplex: 'half' });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  test('long work is accepted, asked for where Location leads, and ends', async () => {
    await using served = await open(OPTIONS);
    const accepted = await served.send('/wait/execute', toInit('POST', { body: { ms: 40 } }));
    expect(accepted.status).toBe(202);
    const address = new URL(accepted.headers.get('location') ?? '', `${served.url}/wait/execute`).href;
    let state = (await accepted.json()) as { status: string };
    while (state.status === 'PENDING' || state.status === 'RUNNING') {
      const headers = { prefer: 'wait=5' };
      const response = await served.send(address.slice(served.url.length), { headers });
      state = (await response.json()) as { status: string };
    }
    expect(state).toMatchObject({ status: 'COMPLETED', progress: 1, result: { waitedMs: 40 } });
  });

  test('work stops when its only caller hangs up', async () => {
    const { operation, seen } = controlled(false);
    await using served = await open({ operations: [operation] });
    const leaving = new AbortController();
    const call = served.send('/controlled/execute', toInit('POST', { body: {}, signal: leaving.signal }));
    const left = call.catch(() => 'left');
    await until(() => seen.begun === 1);
    leaving.abort();
    await left;
    await until(() => seen.aborted === 1);
    await until(() => served.service.operations[0]?.load.running === 0);
  });

  // Fastify answers for itself where it cannot read a path.
  // Fastify answers these itself.
  const unlessFastify = name.startsWith('Fastify') ? leftOut : test;
  unlessFastify('percent signs that encode nothing lead nowhere', async () => {
    await using served = await open(OPTIONS);
    const response = await served.send('/measure/%E0%A4%A');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });

  const bySocket = hasSocket ? test : leftOut;
  bySocket('a body that does not arrive is answered with 408', async () => {
    await using served = await open(OPTIONS);
    const head = 'POST PATH/measure/execute HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    const answer = await exchange(served.url, `${head}content-length: 20\r\n\r\n{"mole`);
    expect(answer).toContain(' 408 ');
    expect(answer).toContain('"REQUEST_TIMEOUT"');
  });

  bySocket('an Idempotency-Key that came twice is refused', async () => {
    await using served = await open(OPTIONS);
    const head =
      'POST PATH/measure/execute HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n';
    const answer = await exchange(served.url, `${head}${KEY}: a\r\n${KEY}: b\r\ncontent-length: 2\r\n\r\n{}`);
    expect(answer).toContain(' 400 ');
    expect(answer).toContain('"INVALID_IDEMPOTENCY_KEY"');
  });

  bySocket('an address in absolute form leads where its path does', async () => {
    await using served = await open(OPTIONS);
    const head = `GET ${served.url}/measure/../wait/health HTTP/1.1\r\nhost: ${new URL(served.url).host}\r\n`;
    const answer = await exchange(served.url, `${head}connection: close\r\n\r\n`);
    expect(answer).toContain(' 200 ');
    expect(answer).toContain('"wait"');
  });

  bySocket('a caller that hangs up in the middle of its body begins nothing', async () => {
    const { operation, seen } = controlled(true);
    await using served = await open({ operations: [operation] });
    const { hostname, port, pathname } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    const path = `${pathname.replace(/\/$/, '')}/controlled/execute`;
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}`);
    await setTimeout(50);
    socket.destroy();
    await setTimeout(50);
    expect(seen.begun).toBe(0);
    expect((await served.send('/health')).status).toBe(200);
  });
});

describe('a host that reads bodies itself', () => {
  const faults: { err: Error }[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (facts: object) => void faults.push(facts as never) };
  const service = createTaskService({ operations: [measure], logger });
  const init = toInit('POST', { body: { molecule: MOLECULE } });

  afterEach(() => {
    expect(faults.splice(0).map(({ err }) => err.message)).toEqual([
      expect.stringContaining('mount the service before whatever parses bodies'),
    ]);
  });

  test('gets an answer from the Fetch handler, and the reason in its log', async () => {
    const request = new Request('http://host.example/measure/execute', init);
    await request.text();
    expect((await service.fetch(request)).status).toBe(500);
  });

  test('gets an answer from the node handler, and the reason in its log', async () => {
    await using server = await startServer(async (request, response) => {
      for await (const _ of request);
      await service.handle(request, response);
    });
    expect((await fetch(`${server.url}/measure/execute`, init)).status).toBe(500);
  });
});

/** What a server writes to one connection, which is written to by hand; `PATH` stands for the base of the service. */
async function exchange(url: string, request: string): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(request.replace('PATH', pathname.replace(/\/$/, '')));
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (/\r\n\r\n.*\}$/s.test(text)) break;
  }
  return text;
}
