import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type CheckService, checkService } from '../../src/conformance/check-service.ts';
import { conformanceRules } from '../../src/conformance/conformance-rules.ts';
import { type Answer, at, type OddExchange, type OddService, startOddService, when } from './odd-service.ts';

type Fault = readonly [
  what: string,
  failed: readonly string[],
  service: OddService & { options?: Partial<CheckService> },
];

const isStray = ({ path }: OddExchange) => path.startsWith('/mad-check-');
const isExecution = ({ path }: OddExchange) => path.startsWith('/executions/');
const isCall = ({ path, method }: OddExchange) => path === '/execute' && method === 'POST';
const isValid = (exchange: OddExchange) => isCall(exchange) && exchange.body === '{"atoms":1}';
const html = { 'content-type': 'text/html' };
const page: Answer = [200, '<!doctype html>', html];

/** Answers with what the service would have said, changed. */
const changed =
  (change: (exchange: OddExchange) => Record<string, unknown>): NonNullable<OddService['odd']> =>
  (exchange) => {
    if (!isValid(exchange)) return false;
    exchange.answer(200, { mass: 12, ...change(exchange) });
    return true;
  };

const state = (progress: unknown, status = 'RUNNING') => ({ execution_id: 'run-1', status, progress });
let told = 0;
const keys = new Set<unknown>();

const faults: readonly Fault[] = [
  ['no document', ['document-found'], { odd: at('/openapi.json', 404, {}) }],
  ['a page for a document', ['document-found'], { odd: when(({ path }) => path.startsWith('/openapi'), ...page) }],
  ['Swagger 2', ['document-valid'], { document: ({ openapi: _, ...rest }) => ({ ...rest, swagger: '2.0' }) }],
  [
    'a document that leads elsewhere',
    ['document-valid'],
    {
      document: (document) => ({
        ...document,
        components: { ...document.components, schemas: { Request: { $ref: 'http://h/x' } } },
      }),
    },
  ],
  [
    'two operations and no word which',
    ['task-operation'],
    {
      document: (document) => ({
        ...document,
        paths: { '/a': document.paths['/execute'], '/b': document.paths['/execute'] },
      }),
    },
  ],
  [
    'a version that is none',
    ['task-declared'],
    { document: (document) => ({ ...document, info: { ...document.info, version: 'latest' } }) },
  ],
  ['no determinism', ['determinism-declared'], { document: withExtension({ determinism: undefined }) }],
  ['no producer', ['producer-declared'], { document: withExtension({ producer: undefined }) }],
  ['no key', ['idempotency-key-declared'], { document: withOperation({ parameters: [] }) }],
  ['no way to cancel', ['cancellation-declared'], { long: true, document: (document) => withoutDelete(document) }],
  [
    'a schema that says too little',
    ['request-at-hand'],
    {
      document: withRequest({
        required: ['code'],
        properties: { code: { type: 'string', pattern: '^[A-Z]{3}-[0-9]{4}$' } },
      }),
    },
  ],
  ['no health', ['health-answers'], { odd: at('/health', 404, {}) }],
  ['a page for every path', ['unknown-path'], { odd: when(isStray, ...page) }],
  ['an error of a framework', ['unknown-path'], { odd: when(isStray, 404, { detail: 'Not Found' }) }],
  [
    'any method',
    ['wrong-method'],
    { odd: when(({ path, method }) => path === '/execute' && method === 'GET', 200, {}) },
  ],
  [
    'an empty state for lost work',
    ['unknown-execution'],
    {
      long: true,
      odd: when(({ path }) => isUuid(path.replace('/executions/', '')), 200, state(0, 'PENDING')),
    },
  ],
  ['a server error', ['valid-request'], { odd: when(isValid, 500, {}) }],
  ['a page with status 200', ['valid-request'], { odd: when(isValid, ...page) }],
  ['a response of another shape', ['valid-request'], { odd: when(isValid, 200, { weight: 12 }) }],
  ['an error with status 200', ['valid-request'], { odd: when(isValid, 200, { error: { code: 'NO_ATOMS' } }) }],
  ['no answer', ['valid-request'], { odd: (exchange) => isValid(exchange), options: { timeoutMs: 700 } }],
  [
    'a result that is never there',
    ['valid-request', 'execution-ends'],
    { long: true, workMs: 60_000, options: { timeoutMs: 700 } },
  ],
  ['work without an address', ['valid-request', 'accepted-work'], { long: true, odd: when(isValid, 202, {}) }],
  [
    'an address elsewhere',
    ['valid-request', 'accepted-work'],
    {
      long: true,
      odd: when(isValid, 202, {}, { location: 'http://other.example/executions/1' }),
    },
  ],
  [
    'a status of its own',
    ['valid-request', 'execution-ends'],
    {
      long: true,
      odd: when((exchange) => isExecution(exchange) && !isUuid(exchange.path.slice(12)), 200, state(1, 'GREAT')),
    },
  ],
  [
    'progress beyond the end',
    ['valid-request', 'execution-ends', 'progress'],
    {
      long: true,
      odd: when((exchange) => isExecution(exchange) && exchange.begun === 1, 200, state(40)),
    },
  ],
  [
    'progress that falls',
    ['progress'],
    {
      long: true,
      workMs: 300,
      odd: (exchange) => {
        if (!isExecution(exchange) || exchange.begun !== 1 || ++told > 2) return false;
        exchange.answer(200, state(told === 1 ? 0.9 : 0.1));
        return true;
      },
    },
  ],
  [
    'a DELETE that does nothing',
    ['cancellation'],
    {
      long: true,
      workMs: 1_100,
      options: { repetitions: 1 },
      odd: when((exchange) => exchange.method === 'DELETE', 200, state(0.5)),
    },
  ],
  [
    'a DELETE that is not there',
    ['cancellation'],
    {
      long: true,
      workMs: 300,
      odd: when((exchange) => exchange.method === 'DELETE', 405, {}),
    },
  ],
  [
    'a key that means nothing',
    ['idempotent-repetition'],
    {
      document: withExtension({ determinism: 'stochastic' }),
      odd: changed(() => ({ mass: Math.random() })),
    },
  ],
  [
    'work that a key begins twice',
    ['idempotent-repetition'],
    {
      long: true,
      odd: ({ request }) => {
        delete request.headers['idempotency-key'];
        return false;
      },
    },
  ],
  [
    'room for one',
    ['concurrent-requests'],
    { odd: when((exchange) => isValid(exchange) && exchange.open > 1, 500, {}) },
  ],
  [
    'a default where nothing is given',
    ['missing-property'],
    { odd: when((exchange) => isCall(exchange) && exchange.body === '{}', 200, { mass: 12 }) },
  ],
  [
    'a crash without a property',
    ['missing-property', 'error-body', 'errors-declared'],
    { odd: when((exchange) => exchange.body === '{}', 500, 'Error', html) },
  ],
  [
    'types that count for nothing',
    ['wrong-type'],
    { odd: when((exchange) => exchange.body.startsWith('{"atoms":{'), 200, { mass: 12 }) },
  ],
  [
    'a crash of the parser',
    ['broken-json'],
    { odd: when((exchange) => exchange.body === '{"mad": ', 500, { error: { code: 'E', message: 'e' } }) },
  ],
  ['any content type', ['wrong-content-type'], { odd: when((exchange) => exchange.body === 'mad', 200, { mass: 12 }) }],
  [
    'a crash of a large body',
    ['oversize-body', 'client-disconnect', 'repeated-requests'],
    {
      odd: dyingWhen(({ body }) => body.length > 1_000_000),
    },
  ],
  [
    'errors of a framework',
    ['error-body', 'errors-declared'],
    {
      odd: when((exchange) => exchange.body === '{}', 422, { detail: [{ loc: ['body', 'atoms'], msg: 'required' }] }),
    },
  ],
  ['errors that nobody declared', ['errors-declared'], { document: (document) => withoutDefault(document) }],
  [
    'security that nobody checks',
    ['credentials-required'],
    { document: (document) => withSecurity(document), options: { secrets: { resolve: async () => ({ token: 't' }) } } },
  ],
  [
    'a crash behind a caller that left',
    ['client-disconnect', 'repeated-requests'],
    { workMs: 400, odd: dyingWhen(() => false, true) },
  ],
  [
    'something used up',
    ['repeated-requests'],
    { odd: when((exchange) => isValid(exchange) && exchange.begun >= 5, 500, {}) },
  ],
  [
    'the time in a response',
    ['equal-responses'],
    {
      odd: changed(({ request }) => ({ mass: keyed(request.headers['idempotency-key']) })),
    },
  ],
  ['a redirect', ['unknown-path', 'no-redirects'], { odd: when(isStray, 307, {}, { location: '/' }) }],
  [
    'a compressed answer',
    ['not-compressed'],
    { odd: at('/health', 200, gzipSync('{}') as unknown as string, { 'content-encoding': 'gzip' }) },
  ],
];

describe('a service that does everything right but for', () => {
  test.each(faults)('%s fails by %j', async (_, expected, { options, ...service }) => {
    await using server = await startOddService(service);
    const report = await checkService({ serviceUrl: server.url, timeoutMs: 5_000, ...options });
    const failed = report.rules.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ id }) => id)).toEqual(expected);
    expect(report.passed).toBe(failed.every(({ level }) => level !== 'must'));
  });

  test('each rule is broken by one of them', () => {
    const broken = new Set(faults.flatMap(([, ids]) => ids));
    expect(conformanceRules.map(({ id }) => id).filter((id) => !broken.has(id))).toEqual([]);
  });
});

const isUuid = (text: string) => /^[0-9a-f-]{36}$/.test(text);

/** One value for each key. */
function keyed(key: unknown): number {
  keys.add(key);
  return [...keys].indexOf(key);
}

type Change = NonNullable<OddService['document']>;

function withExtension(change: object): Change {
  return ({ info, ...rest }) => ({ ...rest, info: { ...info, 'x-mad': { ...info['x-mad'], ...change } } });
}

function withOperation(change: object): Change {
  return ({ paths, ...rest }) => {
    const post = { ...paths['/execute'].post, ...change };
    return { ...rest, paths: { ...paths, '/execute': { post } } };
  };
}

function withRequest(schema: object): Change {
  return ({ components, ...rest }) => {
    const schemas = { ...components.schemas, Request: { type: 'object', ...schema } };
    return { ...rest, components: { ...components, schemas } };
  };
}

const withoutDefault: Change = (document) => {
  const { default: _, ...responses } = document.paths['/execute'].post.responses;
  return withOperation({ responses })(document);
};

const withoutDelete: Change = ({ paths, ...rest }) => {
  const { delete: _, ...execution } = paths['/executions/{execution_id}'];
  return { ...rest, paths: { ...paths, '/executions/{execution_id}': execution } };
};

const withSecurity: Change = ({ components, ...rest }) => {
  const securitySchemes = { key: { type: 'http', scheme: 'bearer' } };
  return { ...rest, security: [{ key: [] }], components: { ...components, securitySchemes } };
};

/** Answers nothing any more after such a request, or after a caller that left. */
function dyingWhen(isFatal: (exchange: OddExchange) => boolean, ofLoss = false): NonNullable<OddService['odd']> {
  let isDead = false;
  return (exchange) => {
    const { request, response } = exchange;
    response.once('close', () => {
      isDead ||= ofLoss && !response.writableFinished;
    });
    isDead ||= isFatal(exchange);
    if (isDead) request.socket.destroy();
    return isDead;
  };
}
