import type { RequestListener } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { isMadError } from '@mad/core';
import { createTaskService } from '@mad/tasks/service';
import { describe, expect, test } from 'vitest';
import { createTaskInterface } from '../../src/openapi/task-interface.ts';
import { call, failureOf } from '../call.ts';
import { deadUrl, json, startServer } from '../hand-made-server.ts';
import { measure, wait } from '../operations.ts';

const waitInterface = createTaskInterface(wait.document);
const good = { atoms: 1, files: [] };

describe('a call of a well-behaved service', () => {
  test('returns its checked response, with the idempotency key sent', async () => {
    const headers: unknown[] = [];
    await using server = await startServer((request, response) => {
      headers.push(request.headers['idempotency-key'], request.headers['content-type']);
      json(response, 200, good);
    });
    expect(await call(`${server.url}/base/`)).toEqual(good);
    expect(server.seen).toEqual(['POST /base/execute']);
    expect(headers).toEqual(['key', 'application/json']);
  });

  test('waits for long-running work, passes progress on, and returns the result soon after the end', async () => {
    await using service = createTaskService({ operations: [wait] });
    const { url } = await service.listen();
    const progress: number[] = [];
    const begun = performance.now();
    const response = await call(`${url}/wait`, {
      taskInterface: waitInterface,
      request: { ms: 400 },
      onProgress: (fraction) => progress.push(fraction),
    });
    expect(response).toEqual({ waitedMs: 400 });
    expect(performance.now() - begun).toBeLessThan(700);
    expect(progress).toEqual([...progress].sort());
    expect(progress).toEqual(expect.arrayContaining([0.25, 0.5, 0.75]));
  });

  test('carries the code of the domain, for short and for long-running work', async () => {
    await using service = createTaskService({ operations: [measure, wait] });
    const { url } = await service.listen();
    await expect(call(`${url}/measure`, { request: { molecule: 'HETATM' } })).rejects.toMatchObject({
      failureCode: 'NO_ATOMS',
      retryable: false,
    });
    await expect(
      call(`${url}/wait`, { taskInterface: waitInterface, request: { ms: 0, failWith: 'NO_POSES' } }),
    ).rejects.toMatchObject({
      failureCode: 'NO_POSES',
      retryable: false,
      message: 'failed as it was asked to',
      details: { waitedMs: 0 },
    });
  });

  test('that is told to stop stops', async () => {
    await using service = createTaskService({ operations: [wait] });
    const { url } = await service.listen();
    const leaving = new AbortController();
    const called = call(`${url}/wait`, {
      taskInterface: waitInterface,
      request: { ms: 60_000 },
      signal: leaving.signal,
    });
    await setTimeout(100);
    leaving.abort(new TypeError('enough'));
    await expect(called).rejects.toThrow('enough');
    const { operations } = (await (await fetch(`${url}/health`)).json()) as { operations: unknown };
    expect(operations).toEqual({ wait: { running: 0, waiting: 0 } });
  });
});

describe('work that a service has taken over', () => {
  test('is told of before it is asked for, and asked for by its id alone when the call is made again', async () => {
    await using service = createTaskService({ operations: [wait] });
    const { url } = await service.listen();
    const accepted: string[] = [];
    const interrupted = new AbortController();
    const first = call(`${url}/wait`, {
      ...{ taskInterface: waitInterface, request: { ms: 400 }, signal: interrupted.signal, isInterrupted: () => true },
      onAccepted: async (externalId) => {
        accepted.push(externalId);
        interrupted.abort(new TypeError('the process ends'));
      },
    });
    await expect(first).rejects.toThrow();
    const response = await call(`${url}/wait`, {
      ...{ taskInterface: waitInterface, request: { ms: 1 }, externalId: accepted[0] },
      onAccepted: () => Promise.reject(new TypeError('accepted once more')),
    });
    // That of the first request: it went on, and nothing was sent again.
    expect(response).toEqual({ waitedMs: 400 });
  });

  test('is not asked for when it could not be noted', async () => {
    await using server = await startServer((_, response) => {
      response.writeHead(202, { location: '/executions/1' }).end();
    });
    const noted = call(server.url, { onAccepted: () => Promise.reject(new TypeError('the database is away')) });
    await expect(noted).rejects.toThrow('the database is away');
    expect(server.seen).toEqual(['POST /execute']);
  });

  test.each(['//127.0.0.1:1/x', 'gone', '/executions/gone'])('that is lost is sent again: %s', async (externalId) => {
    await using server = await startServer((request, response) => {
      if (request.method === 'GET') response.writeHead(404).end();
      else json(response, 200, good);
    });
    expect(await call(server.url, { externalId })).toEqual(good);
    expect(server.seen.at(-1)).toBe('POST /execute');
  });

  test.each(['a\0b', 'a\nb', 'x'.repeat(2_001), ''])('is refused under an id that no row keeps', async (id) => {
    await using server = await startServer((_, response) => json(response, 202, { execution_id: id }));
    const taskInterface = waitInterface;
    const error = await call(server.url, { taskInterface, request: { ms: 1 } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failureCode: 'CONTRACT_VIOLATION' });
  });
});

describe('a call of a service that misbehaves', () => {
  test.each([
    [400, false, 'EXECUTION_FAILED'],
    [404, false, 'EXECUTION_FAILED'],
    [408, true, 'TIMEOUT'],
    [422, false, 'EXECUTION_FAILED'],
    [425, true, 'EXECUTION_FAILED'],
    [429, true, 'SERVICE_UNAVAILABLE'],
    [500, true, 'EXECUTION_FAILED'],
    [502, true, 'SERVICE_UNAVAILABLE'],
    [503, true, 'SERVICE_UNAVAILABLE'],
    [504, true, 'SERVICE_UNAVAILABLE'],
  ])('status %i without a declared error', async (status, retryable, failureCode) => {
    const failure = await failureOf((_, response) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>no</h1>'),
    );
    expect(failure).toMatchObject({ retryable, failureCode, details: { status } });
  });

  test('a declared error: its code, one readable line, no more than is fit for a row', async () => {
    const failure = await failureOf((_, response) =>
      json(response, 422, {
        error: { code: 'NO_POSES', message: `a\n\u0000b ${'x'.repeat(900)}`, details: { box: [1, 2, 3] } },
      }),
    );
    expect(failure).toMatchObject({
      failureCode: 'NO_POSES',
      retryable: false,
      details: { box: [1, 2, 3], status: 422 },
    });
    expect(failure.message).toMatch(/^a b x+…$/);
  });

  test('a code that is none falls back to the status', async () => {
    expect(
      await failureOf((_, response) => json(response, 400, { error: { code: 'drop table', message: 'x' } })),
    ).toMatchObject({ failureCode: 'EXECUTION_FAILED' });
  });

  test.each([
    { form: 'seconds', header: '7', least: 7_000, most: 7_000 },
    { form: 'a date', header: new Date(Date.now() + 60_000).toUTCString(), least: 20_000, most: 61_000 },
    { form: 'an age', header: '99999999999', least: 86_400_000, most: 86_400_000 },
  ])('429 with Retry-After in $form tells how long', async ({ header, least, most }) => {
    const { details } = await failureOf((_, response) => json(response.setHeader('retry-after', header), 429, {}));
    expect(details.retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(details.retryAfterMs).toBeLessThanOrEqual(most);
  });

  test.each<[string, RequestListener]>([
    [
      'HTML with 200',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>'),
    ],
    ['no content type', (_, response) => response.writeHead(200).end('{}')],
    ['204', (_, response) => response.writeHead(204).end()],
    ['an empty 200', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end()],
    [
      'half a JSON',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"atoms": 1, "fi'),
    ],
    [
      'bytes that are not UTF-8',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x22, 0xff, 0x22])),
    ],
    ['another form than its document promises', (_, response) => json(response, 200, { atoms: 'many', files: [] })],
    ['a 200 with an error body', (_, response) => json(response, 200, { error: { code: 'OOPS', message: '' } })],
    ['an array', (_, response) => json(response, 200, [])],
    [
      'a number beyond double',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"atoms": 1e999, "files": []}'),
    ],
    [
      'half a surrogate pair',
      (_, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"atoms": 1, "files": [{"name": "\\ud800", "content": ""}]}'),
    ],
    [
      'a key __proto__',
      (_, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"atoms": 1, "files": [], "__proto__": {}}'),
    ],
    [
      'bottomless nesting',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('['.repeat(40_000) + ']'.repeat(40_000)),
    ],
    [
      'a compressed body',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('{}'),
    ],
    ['202 without a place to ask', (_, response) => response.writeHead(202).end()],
    [
      '202 with a place elsewhere',
      (_, response) => response.writeHead(202, { location: 'http://127.0.0.1:1/x' }).end(),
    ],
  ])('%s breaks the contract, and is not asked for again', async (_, listener) => {
    expect(await failureOf(listener)).toMatchObject({ failureCode: 'CONTRACT_VIOLATION', retryable: false });
  });

  test.each([301, 302, 303, 307, 308])('a redirect by %i is never followed', async (status) => {
    await using metadataAddress = await startServer((_, response) => json(response, 200, good));
    const failure = await failureOf((_, response) =>
      response.writeHead(status, { location: `${metadataAddress.url}/latest` }).end(),
    );
    expect(failure).toMatchObject({ failureCode: 'CONTRACT_VIOLATION', retryable: false });
    expect(metadataAddress.seen).toEqual([]);
  });

  test.each<[string, RequestListener]>([
    [
      'declared',
      (_, response) => json(response, 200, { atoms: 1, files: [{ name: 'x'.repeat(200_000), content: '' }] }),
    ],
    [
      'undeclared and endless',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(16_384)));
        };
        response.on('drain', more);
        more();
      },
    ],
  ])('an oversize answer, %s, is cut off', async (_, listener) => {
    expect(await failureOf(listener)).toMatchObject({ failureCode: 'RESPONSE_TOO_LARGE', retryable: false });
  });

  test.each<[string, RequestListener]>([
    [
      'truncated',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"atoms"');
        response.flushHeaders();
        void setTimeout(20).then(() => response.destroy());
      },
    ],
    ['reset before its headers', (request) => request.socket.resetAndDestroy()],
  ])('an answer that is %s may come whole the next time', async (_, listener) => {
    expect(await failureOf(listener)).toMatchObject({ failureCode: 'CONNECTION_LOST', retryable: true });
  });

  test('a dead port is an unavailable service', async () => {
    await expect(call(await deadUrl())).rejects.toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
  });

  test.each<[string, RequestListener]>([
    ['before its headers', () => {}],
    ['in its body', (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{')],
    [
      'by a drip',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ])('a service that hangs %s is left at the deadline', async (_, listener) => {
    await using server = await startServer(listener);
    const begun = performance.now();
    const error: unknown = await call(server.url, { timeoutMs: 150 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe('long-running work at a service that misbehaves', () => {
  /** Accepts at once, then answers each question by the next of `states`, the last one for ever. */
  function accepting(...states: RequestListener[]): RequestListener {
    let asked = 0;
    return (request, response) => {
      if (request.method === 'POST')
        return json(response.setHeader('retry-after', '0'), 202, { execution_id: 'e 1', status: 'PENDING' });
      if (request.method === 'DELETE') return json(response, 200, { status: 'CANCELED' });
      states[Math.min(asked++, states.length - 1)]?.(request, response);
    };
  }
  const state =
    (body: unknown, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      json(response.setHeaders(new Map(Object.entries(headers))), 200, body);
  const asWait = { taskInterface: waitInterface, request: { ms: 1 } };

  test('is asked below its own address when it gives an id and no Location, and again through passing faults', async () => {
    await using server = await startServer(
      accepting(
        (_, response) => json(response.setHeader('retry-after', '0'), 503, {}),
        (request) => request.socket.resetAndDestroy(),
        state({ status: 'COMPLETED', result: { waitedMs: 1 } }),
      ),
    );
    expect(await call(`${server.url}/wait`, asWait)).toEqual({ waitedMs: 1 });
    expect(server.seen).toEqual([
      'POST /wait/execute',
      ...Array.from({ length: 3 }, () => 'GET /wait/executions/e%201'),
    ]);
  });

  test.each<[string, RequestListener, { failureCode: string; retryable: boolean }]>([
    [
      'a result of another form',
      state({ status: 'COMPLETED', result: { waitedMs: 'long' } }),
      { failureCode: 'CONTRACT_VIOLATION', retryable: false },
    ],
    ['no result', state({ status: 'COMPLETED' }), { failureCode: 'CONTRACT_VIOLATION', retryable: false }],
    ['an unknown status', state({ status: 'MAYBE' }), { failureCode: 'CONTRACT_VIOLATION', retryable: false }],
    [
      'a progress of 3',
      state({ status: 'RUNNING', progress: 3 }),
      { failureCode: 'CONTRACT_VIOLATION', retryable: false },
    ],
    [
      'a page instead of a state',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('hi'),
      { failureCode: 'CONTRACT_VIOLATION', retryable: false },
    ],
    ['a failure without a word', state({ status: 'FAILED' }), { failureCode: 'EXECUTION_FAILED', retryable: false }],
    [
      'a failure that may pass',
      state({ status: 'FAILED', error: { code: 'OUT_OF_GPU', message: 'x', retryable: true } }),
      { failureCode: 'OUT_OF_GPU', retryable: true },
    ],
    [
      'a cancellation nobody asked for',
      state({ status: 'CANCELED' }),
      { failureCode: 'EXECUTION_CANCELED', retryable: true },
    ],
    ['no memory of it', (_, response) => json(response, 404, {}), { failureCode: 'EXECUTION_LOST', retryable: true }],
    ['a refusal', (_, response) => json(response, 403, {}), { failureCode: 'EXECUTION_FAILED', retryable: false }],
  ])('that answers with %s fails as such', async (_, listener, failure) => {
    expect(await failureOf(accepting(listener), asWait)).toMatchObject(failure);
  });

  test('that is gone for good is given up', async () => {
    const failure = await failureOf(
      accepting((_, response) => json(response.setHeader('retry-after', '0'), 503, {})),
      asWait,
    );
    expect(failure).toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
  });

  test('is asked when it wants to be asked', async () => {
    const asked: number[] = [];
    const stamped =
      (listener: RequestListener): RequestListener =>
      (request, response) => {
        asked.push(performance.now());
        listener(request, response);
      };
    await using server = await startServer(
      accepting(
        stamped(state({ status: 'RUNNING' }, { 'retry-after': '1' })),
        stamped(state({ status: 'COMPLETED', result: { waitedMs: 1 } })),
      ),
    );
    await call(server.url, asWait);
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(950);
  });

  test('that never ends is told to stop at the deadline', async () => {
    await using server = await startServer(accepting(state({ status: 'RUNNING', progress: 0.5 })));
    const error: unknown = await call(`${server.url}/wait`, { ...asWait, timeoutMs: 200 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isMadError(error)).toBe(false);
    expect(server.seen.at(-1)).toBe('DELETE /wait/executions/e%201');
  });
});

describe('a compressed answer that nobody asked for', () => {
  const compressed =
    (body: Buffer, encoding: string): RequestListener =>
    (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(body);
  const text = JSON.stringify(good);

  test.each([
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['deflate', deflateSync(text)],
  ])('is read all the same: %s', async (encoding, body) => {
    await using server = await startServer(compressed(body, encoding));
    expect(await call(server.url)).toEqual(good);
  });

  test('counts by what it is when it is read', async () => {
    const bomb = gzipSync(Buffer.alloc(1024 * 1024));
    expect(bomb.byteLength).toBeLessThan(100_000);
    expect(await failureOf(compressed(bomb, 'gzip'))).toMatchObject({ failureCode: 'RESPONSE_TOO_LARGE' });
  });

  test('in a coding that is not known breaks the contract', async () => {
    expect(await failureOf(compressed(Buffer.from(text), 'zip'))).toMatchObject({ failureCode: 'CONTRACT_VIOLATION' });
  });
});

describe('a redirect where redirects are followed', () => {
  const leading = (location: string, status: number): RequestListener => {
    return (request, response) => {
      if (request.url === '/elsewhere') return json(response, 200, good);
      response.writeHead(status, { location }).end();
    };
  };
  const asked = { followRedirects: true };

  test.each([307, 308])('within the origin by %i leads the same request there', async (status) => {
    await using server = await startServer(leading('/elsewhere', status));
    expect(await call(server.url, asked)).toEqual(good);
    expect(server.seen).toEqual(['POST /execute', 'POST /elsewhere']);
  });

  test.each([
    [302, '/elsewhere'],
    [307, 'http://127.0.0.1:9/elsewhere'],
    [307, '//169.254.169.254/elsewhere'],
    [307, 'http://user@[::1]/'],
    [307, ''],
  ])('is a failure where it could do harm: %i to %s', async (status, location) => {
    expect(await failureOf(leading(location, status), asked)).toMatchObject({ failureCode: 'CONTRACT_VIOLATION' });
  });

  test('that goes round in a circle ends', async () => {
    await using server = await startServer(leading('/execute', 307));
    await expect(call(server.url, asked)).rejects.toMatchObject({ failureCode: 'CONTRACT_VIOLATION' });
    expect(server.seen.length).toBe(4);
  });
});

describe('a failure in the words of its service', () => {
  const answering =
    (status: number, body: string, type = 'application/json'): RequestListener =>
    (_, response) =>
      response.writeHead(status, { 'content-type': type }).end(body);

  test.each([
    ['{"detail":"not a molecule: C!"}', 'the service answered 422: not a molecule: C!'],
    ['{"detail":[{"loc":["body","smiles"],"msg":"too short"}]}', 'the service answered 422: body/smiles too short'],
    ['{"type":"about:blank","title":"Bad ligand"}', 'the service answered 422: Bad ligand'],
    ['{"error":"no GPU"}', 'the service answered 422: no GPU'],
    ['"plain"', 'the service answered 422: plain'],
    ['{"error":{"message":"two\\nlines"}}', 'the service answered 422: two lines'],
    ['{"nothing":1}', 'the service answered 422'],
  ])('says what %s says', async (body, message) => {
    expect(await failureOf(answering(422, body))).toMatchObject({ failureCode: 'EXECUTION_FAILED', message });
  });

  test('as text, but not as a page', async () => {
    expect((await failureOf(answering(500, 'CUDA out of memory', 'text/plain'))).message).toContain(': CUDA out of');
    expect((await failureOf(answering(500, '<h1>Oops</h1>', 'text/html'))).message).toBe('the service answered 500');
  });

  test('that is not found leads to where to look', async () => {
    expect((await failureOf(answering(404, ''))).message).toContain('below the address at which it is registered');
  });

  test('by a redirect names where it leads, and no more', async () => {
    const to = (location: string) => failureOf((_, response) => response.writeHead(302, { location }).end());
    expect((await to('https://other.example/x?signature=secret')).message).toContain(
      'a redirect to https://other.example;',
    );
    expect((await to('/v2/execute?token=secret')).message).toContain('a redirect to /v2/execute;');
  });
});

describe('what a hostile service answers', () => {
  const text = (body: string | Buffer): RequestListener => {
    return (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  };

  test('with more values than are read is not read', async () => {
    const many = `{"atoms":1,"files":[],"more":[${'[],'.repeat(1_100_000)}[]]}`;
    const begun = performance.now();
    const failure = await failureOf(text(gzipSync(many)), { maxResponseBytes: 64 * 1024 * 1024 });
    expect(failure.failureCode).toBe('CONTRACT_VIOLATION');
    const compressed: RequestListener = (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync(many));
    const limit = { maxResponseBytes: 64 * 1024 * 1024 };
    expect((await failureOf(compressed, limit)).message).toContain('more than 1000000 values');
    expect(performance.now() - begun).toBeLessThan(4_000);
  });

  test('is counted by values, not by what stands in its texts', async () => {
    const files = [{ name: 'table', content: ',[{"\\\\'.repeat(400_000) }];
    const limit = { maxResponseBytes: 64 * 1024 * 1024 };
    await using server = await startServer(text(JSON.stringify({ atoms: 1, files })));
    expect(await call(server.url, limit)).toEqual({ atoms: 1, files });
  });

  test.each(['a\\u0000b', '\\ud800'])('with a name that no row keeps breaks the contract: %s', async (name) => {
    expect(await failureOf(text(`{"atoms":1,"files":[],"${name}":1}`))).toMatchObject({
      failureCode: 'CONTRACT_VIOLATION',
    });
  });

  test('in words that are ours says no more than that it failed', async () => {
    const failure = await failureOf((_, response) =>
      json(response, 500, { error: { code: 'EXECUTION_LOST', message: 'gone', details: { retryAfterMs: 1e15 } } }),
    );
    expect(failure).toMatchObject({ failureCode: 'EXECUTION_FAILED', message: 'the service answered 500: gone' });
    expect(failure.details.retryAfterMs).toBeUndefined();
  });
});

describe('work that was taken over by a hostile service', () => {
  const asWait = { taskInterface: waitInterface, request: { ms: 1 } };
  const accept =
    (headers: Record<string, string>, states: RequestListener): RequestListener =>
    (request, response) => {
      if (request.method === 'POST') response.writeHead(202, { 'retry-after': '0', ...headers }).end();
      else if (request.method === 'DELETE') json(response, 200, {});
      else states(request, response);
    };

  test.each(['/tenant-b/executions/7', '/tenant-a/svc/../../x', '/tenant-a/svcs/1'])(
    'is asked for nowhere but below its own address: %s',
    async (location) => {
      await using server = await startServer(accept({ location }, (_, response) => json(response, 200, {})));
      await expect(call(`${server.url}/tenant-a/svc`, asWait)).rejects.toMatchObject({
        failureCode: 'CONTRACT_VIOLATION',
      });
      expect(server.seen).toEqual(['POST /tenant-a/svc/execute']);
    },
  );

  test('is not sent again because the service says that it was lost', async () => {
    const lost: RequestListener = (_, response) =>
      json(response, 200, { status: 'FAILED', error: { code: 'EXECUTION_LOST', message: 'x' } });
    await using server = await startServer(accept({}, lost));
    await expect(call(server.url, { ...asWait, externalId: '7' })).rejects.toMatchObject({
      failureCode: 'EXECUTION_FAILED',
    });
    expect(server.seen).toEqual(['GET /executions/7']);
  });

  test.concurrent.each(['0', '-1', '1.5', 'soon'])(
    'is not asked without a pause: Retry-After %s',
    async (retryAfter) => {
      const running: RequestListener = (_, response) =>
        json(response.setHeader('retry-after', retryAfter), 200, { status: 'RUNNING' });
      await using server = await startServer(accept({ location: '/executions/1' }, running));
      await expect(call(server.url, { ...asWait, timeoutMs: 1_000 })).rejects.toThrow();
      expect(server.seen.filter((line) => line.startsWith('GET')).length).toBeLessThan(7);
    },
  );

  test('is told to stop when its answers make no sense', async () => {
    const strange: RequestListener = (_, response) => json(response, 200, { status: 'PERHAPS' });
    await using server = await startServer(accept({ location: '/executions/1' }, strange));
    await expect(call(server.url, asWait)).rejects.toMatchObject({ failureCode: 'CONTRACT_VIOLATION' });
    expect(server.seen.at(-1)).toBe('DELETE /executions/1');
  });
});
