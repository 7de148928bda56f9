import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTaskService, defineOperation } from '@mad/tasks/service';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { checkService } from '../../src/conformance/check-service.ts';
import type { ConformanceReport } from '../../src/conformance/conformance-report.ts';
import { conformanceRules } from '../../src/conformance/conformance-rules.ts';
import { deadUrl, startServer } from '../hand-made-server.ts';
import { measure, wait } from '../operations.ts';
import { at, startOddService, when } from './odd-service.ts';
import { queueDocument, startQueueService } from './queue-service.ts';

const outcomesOf = ({ rules }: ConformanceReport, outcome: string): readonly string[] =>
  rules.filter((rule) => rule.outcome === outcome).map(({ id }) => id);
const ruleOf = ({ rules }: ConformanceReport, id: string) => rules.find((rule) => rule.id === id);

describe('a service of the kit', () => {
  test('passes with a short operation, whatever it is given', async () => {
    await using service = createTaskService({ operations: [measure] });
    const { url } = await service.listen();
    const report = await checkService({ serviceUrl: `${url}/measure`, request: { molecule: 'ATOM 1\n' } });
    expect(outcomesOf(report, 'failed')).toEqual([]);
    expect(outcomesOf(report, 'skipped')).toEqual([
      'cancellation-declared',
      'unknown-execution',
      'accepted-work',
      'execution-ends',
      'progress',
      'cancellation',
      'credentials-required',
    ]);
    expect(report).toMatchObject({
      passed: true,
      task: { taskKey: 'measure', version: '1.0.0', operation: 'post /execute' },
    });
  });

  test('passes with a long-running operation', async () => {
    const seeded = defineOperation({
      taskKey: 'seeded',
      version: '1.0.0',
      title: 'Seeded',
      description: 'Takes its time.',
      determinism: 'seeded',
      producer: 'seeded 1.0.0',
      longRunning: true,
      request: z.object({ seed: z.int().min(1) }),
      response: z.object({ drawn: z.number() }),
      async run({ seed }, { signal, progress }) {
        for (let step = 1; step <= 6; step++) {
          await setTimeout(60, undefined, { signal });
          progress(step / 6);
        }
        return { drawn: seed * 7 };
      },
    });
    await using service = createTaskService({ operations: [seeded], concurrency: 4 });
    const { url } = await service.listen();
    const report = await checkService({ serviceUrl: `${url}/seeded` });
    expect(outcomesOf(report, 'failed')).toEqual([]);
    expect(outcomesOf(report, 'skipped')).toEqual(['credentials-required']);
  });

  test('is not blamed for a request that its domain refuses and that was made of its schema alone', async () => {
    await using service = createTaskService({ operations: [measure] });
    const { url } = await service.listen();
    const report = await checkService({ serviceUrl: `${url}/measure` });
    expect(ruleOf(report, 'valid-request')).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringMatching(/NO_ATOMS: the molecule has no atoms.*; pass one$/),
    });
    expect(report.passed).toBe(true);
  });

  test('fails with a request that is said to succeed and does not', async () => {
    await using service = createTaskService({ operations: [measure, wait] });
    const { url } = await service.listen();
    const short = await checkService({ serviceUrl: `${url}/measure`, request: { molecule: 'HETATM' } });
    expect(outcomesOf(short, 'failed')).toEqual(['valid-request']);
    const long = await checkService({ serviceUrl: `${url}/wait`, request: { ms: 0, failWith: 'NO_POSES' } });
    expect(outcomesOf(long, 'failed')).toEqual(['producer-declared', 'valid-request']);
    expect(ruleOf(long, 'execution-ends')).toMatchObject({ outcome: 'passed' });
  });
});

describe('a service that tells of its work in a way of its own', () => {
  test('passes where its document says how', async () => {
    await using server = await startQueueService();
    const report = await checkService({ serviceUrl: server.url, document: queueDocument, repetitions: 1 });
    expect(outcomesOf(report, 'failed')).toEqual(['idempotency-key-declared']);
    expect(outcomesOf(report, 'skipped')).toEqual(['idempotent-repetition', 'credentials-required']);
    expect(ruleOf(report, 'execution-ends')).toMatchObject({ seen: expect.stringMatching(/^completed after \d+/) });
    expect(ruleOf(report, 'progress')).toMatchObject({ seen: expect.stringMatching(/1\.00$/) });
    expect(ruleOf(report, 'cancellation')).toMatchObject({ seen: 'canceled' });
  });

  test('fails by a word that its document does not have', async () => {
    await using server = await startQueueService();
    const info = structuredClone(queueDocument.info);
    info['x-mad'].execution.completed = ['BAKED'];
    const report = await checkService({ serviceUrl: server.url, document: { ...queueDocument, info } });
    expect(outcomesOf(report, 'failed')).toEqual(['idempotency-key-declared', 'valid-request', 'execution-ends']);
    expect(ruleOf(report, 'execution-ends')).toMatchObject({ seen: expect.stringContaining('COOKED') });
  });
});

describe('a run', () => {
  test('tells of each rule in the order of the list, and calls the task nine times at most', async () => {
    const calls: string[] = [];
    await using server = await startOddService({
      odd: ({ method, body }) => {
        if (method === 'POST' && body === '{"atoms":1}') calls.push(body);
        return false;
      },
    });
    const told: string[] = [];
    const report = await checkService({ serviceUrl: `${server.url}/`, onRule: ({ id }) => told.push(id) });
    expect(told).toEqual(conformanceRules.map(({ id }) => id));
    expect(report.rules.map(({ id }) => id)).toEqual(told);
    expect(outcomesOf(report, 'failed')).toEqual([]);
    expect(calls.length).toBe(7);
  });

  test('without executions sends nothing that a service could work on', async () => {
    const sent: string[] = [];
    await using server = await startOddService({
      odd: ({ method, body }) => {
        if (method === 'POST') sent.push(body.slice(0, 20));
        return false;
      },
    });
    const report = await checkService({ serviceUrl: server.url, execute: false });
    expect(outcomesOf(report, 'failed')).toEqual([]);
    expect(ruleOf(report, 'valid-request')).toMatchObject({ outcome: 'skipped' });
    expect(ruleOf(report, 'missing-property')).toMatchObject({ outcome: 'passed' });
    expect(sent).toEqual(['{}', '{"atoms":{"mad":"wro', '{"mad": ', 'mad', '{"padding": "mmmmmmm']);
  });

  test('cancels work that a service takes over though it had to refuse it', async () => {
    await using server = await startOddService({
      long: true,
      odd: when(({ body }) => body === '{}', 202, {}, { location: '/executions/unmeant' }),
    });
    const report = await checkService({ serviceUrl: server.url, execute: false });
    expect(outcomesOf(report, 'failed')).toEqual(['missing-property']);
    expect(server.seen).toContain('DELETE /executions/unmeant');
  });

  test('ends at its deadline, and skips what it did not come to', async () => {
    await using server = await startOddService({ workMs: 60_000 });
    const begun = performance.now();
    const report = await checkService({ serviceUrl: server.url, totalTimeoutMs: 2_500 });
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(ruleOf(report, 'valid-request')).toMatchObject({ outcome: 'skipped', reason: /time of the whole run/ });
    expect(ruleOf(report, 'no-redirects')).toMatchObject({ outcome: 'skipped' });
  });

  test('finds nobody at an address where nobody listens, and no service at what is no address', async () => {
    await expect(checkService({ serviceUrl: await deadUrl() })).rejects.toMatchObject({
      code: 'MAD_TASKS_SERVICE_UNREACHABLE',
      details: { fault: 'ECONNREFUSED' },
    });
    for (const serviceUrl of ['localhost:8080', 'ftp://127.0.0.1', 'http://user:word@127.0.0.1', 'http://h/?q=1', ''])
      await expect(checkService({ serviceUrl })).rejects.toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
  });

  test('takes the document as YAML, as an object, or from another address', async () => {
    await using server = await startOddService({
      odd: at('/openapi.json', 404, {}),
    });
    await using good = await startOddService({});
    const documentUrl = `${good.url}/openapi.json`;
    const document = (await (await fetch(documentUrl)).json()) as object;
    const options = { serviceUrl: server.url, execute: false };
    for (const given of [document, stringify(document), documentUrl])
      expect(outcomesOf(await checkService({ ...options, document: given }), 'failed')).toEqual([]);
    const elsewhere = await checkService({ ...options, document: `${good.url}/nothing.json` });
    expect(outcomesOf(elsewhere, 'failed')).toEqual(['document-found']);
  });

  test('takes the request from an example of the document, parameters beside it', async () => {
    const bodies: string[] = [];
    await using server = await startServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk as Buffer));
      request.on('end', () => {
        bodies.push(`${request.url} ${Buffer.concat(chunks).toString().slice(0, 40)}`);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    const json = (schema: object, example?: object) => ({
      'application/json': { schema, ...(example && { example }) },
    });
    const document = {
      openapi: '3.0.3',
      info: { title: 'Find', version: '1.0.0', 'x-mad': { taskKey: 'find' } },
      paths: {
        '/find/{receptor}': {
          post: {
            parameters: [{ name: 'receptor', in: 'path', required: true, schema: { type: 'string', example: 'r-1' } }],
            requestBody: {
              content: json({ type: 'object', properties: { most: { type: 'integer' } } }, { most: 42 }),
            },
            responses: { 200: { description: 'found', content: json({ type: 'object' }) } },
          },
        },
      },
    };
    const report = await checkService({ serviceUrl: server.url, document });
    expect(ruleOf(report, 'request-at-hand')).toMatchObject({ outcome: 'passed', seen: "the document's example" });
    expect(bodies).toContain('/find/r-1 {"most":42}');
    expect(ruleOf(report, 'wrong-type')).toMatchObject({ outcome: 'failed', seen: /^\/body\/most: 200/ });
  });

  test('calls a task whose credentials it was not given once, to see it refused', async () => {
    await using server = await startOddService({
      document: (document) => ({ ...document, security: [{ key: [] }], components: withScheme(document.components) }),
      odd: at('/execute', 401, { error: { code: 'NO_TOKEN', message: 'no token' } }),
    });
    const report = await checkService({ serviceUrl: server.url });
    expect(ruleOf(report, 'valid-request')).toMatchObject({ outcome: 'skipped', reason: /credentials of key/ });
    expect(ruleOf(report, 'credentials-required')).toMatchObject({ outcome: 'passed' });
    expect(server.seen.filter((line) => line.startsWith('POST'))).toEqual(['POST /execute']);
    expect(report.passed).toBe(true);
  });
});

describe('a hostile service', () => {
  test('writes nothing to a terminal but lines of text', async () => {
    await using server = await startOddService({
      document: (document) => ({ ...document, info: { ...document.info, title: 't', version: '1.0.0\u001b[31m' } }),
      odd: at('/execute', 422, { error: { code: 'EVIL', message: 'a\u001b[2J\u202eb\nc' } }),
    });
    const report = await checkService({ serviceUrl: server.url });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(JSON.stringify(report)).not.toMatch(/\\u001b|\\n|\u202e|[\u0000-\u001f]/);
  });

  test.each([
    ['that multiplies', (names: readonly string[]) => branching(names)],
    ['of a text without end', () => ({ L0: { type: 'string', minLength: 900_000_000 } })],
  ])('does not hold up a run with a schema %s', async (_, createSchemas) => {
    const names = 'abcdefghijklmnop'.split('');
    const request = { type: 'object', required: ['a'], properties: { a: { $ref: '#/components/schemas/L0' } } };
    await using server = await startOddService({
      document: ({ components, ...rest }) => {
        const schemas = { ...components.schemas, ...createSchemas(names), Request: request };
        return { ...rest, components: { ...components, schemas } };
      },
    });
    const begun = performance.now();
    const report = await checkService({ serviceUrl: server.url });
    expect(performance.now() - begun).toBeLessThan(20_000);
    expect(outcomesOf(report, 'failed')).toEqual(['request-at-hand']);
  });

  test('does not hold up a run with an answer that never ends', async () => {
    await using server = await startServer((request, response) => {
      if (request.url === '/health') return response.end('{}');
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
      return;
    });
    const report = await checkService({ serviceUrl: server.url, timeoutMs: 300 });
    expect(ruleOf(report, 'document-found')).toMatchObject({ outcome: 'failed' });
  });
});

test('the guide lists every rule, with its level and what holds, and no other', () => {
  const guide = readFileSync(
    fileURLToPath(new URL('../../../../docs/guides/check-a-service.md', import.meta.url)),
    'utf8',
  );
  const listed = [...guide.matchAll(/^\| `([a-z-]+)` \| (must|should|may) \| (.*) \|$/gm)].map(([, ...cells]) => cells);
  expect(listed).toEqual(conformanceRules.map(({ id, level, holds }) => [id, level, holds]));
});

// biome-ignore lint/suspicious/noExplicitAny: a part of a document
const withScheme = (components: any) => ({
  ...components,
  securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
});

/** Twelve levels, each of which has the next under every name. */
function branching(names: readonly string[]): object {
  const level = (next: string) => ({
    type: 'object',
    required: names,
    properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/schemas/${next}` }])),
  });
  const levels = Array.from({ length: 12 }, (_, index) => [`L${index}`, level(`L${index + 1}`)]);
  return { ...Object.fromEntries(levels), L12: { type: 'string' } };
}
