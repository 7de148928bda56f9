import { isMadError, TaskFailedError } from '@mad/core';
import { openServiceClient, type ServiceClient } from '@mad/tasks';
import type { Check } from '../check.ts';
import { startFaultServer, startRawServer, startSecureServer } from './faults/fault-server.ts';

/** Paths of the fault server → the failure code that the call must end with; `answer` where the answer is right. */
const EXPECTED = {
  good: 'answer',
  'status-400': 'INVALID_LIGAND',
  'status-404': 'EXECUTION_FAILED',
  'status-409': 'CONFLICT',
  'status-418-html': 'EXECUTION_FAILED',
  'status-429-seconds': 'TOO_MANY',
  'status-429-date': 'SERVICE_UNAVAILABLE',
  'status-500': 'CRASHED',
  'status-503-seconds': 'SERVICE_UNAVAILABLE',
  'status-503-date': 'SERVICE_UNAVAILABLE',
  'status-599': 'EXECUTION_FAILED',
  'status-203': 'CONTRACT_VIOLATION',
  'status-206': 'CONTRACT_VIOLATION',
  'no-content': 'CONTRACT_VIOLATION',
  empty: 'CONTRACT_VIOLATION',
  html: 'CONTRACT_VIOLATION',
  'no-type': 'CONTRACT_VIOLATION',
  'bad-json': 'CONTRACT_VIOLATION',
  'bad-utf8': 'CONTRACT_VIOLATION',
  'wrong-type': 'CONTRACT_VIOLATION',
  'wrong-shape': 'CONTRACT_VIOLATION',
  'not-a-number': 'CONTRACT_VIOLATION',
  deep: 'CONTRACT_VIOLATION',
  redirect: 'CONTRACT_VIOLATION',
  'redirect-307': 'CONTRACT_VIOLATION',
  'hang-before-headers': 'TIMEOUT',
  'hang-in-body': 'TIMEOUT',
  drip: 'TIMEOUT',
  oversize: 'RESPONSE_TOO_LARGE',
  'oversize-announced': 'RESPONSE_TOO_LARGE',
  'gzip-bomb': 'RESPONSE_TOO_LARGE',
  'headers-too-large': 'CONNECTION_LOST',
  truncated: 'CONNECTION_LOST',
  reset: 'CONNECTION_LOST',
  'reset-in-body': 'CONNECTION_LOST',
} as const;

const DEADLINE_MS = 1_000;
/** What a loaded machine may take to notice. */
const NOTICE_MS = 1_000;
const LIMIT = 1024 * 1024;
/** What the system's buffers on both sides hold beyond what was read. */
const BUFFERS = 16 * 1024 * 1024;

interface FaultOutcome {
  readonly fault: string;
  readonly expected: string;
  readonly got: string;
  readonly ms: number;
}

/** A service misbehaves in each way it can: each call ends in time with the failure that says what happened, and reads no more than it may. */
export const faultsCheck: Check = {
  name: 'faults',
  async run(_, print) {
    // Stands for an address that is no service, such as that of a cloud's metadata.
    await using inner = await startFaultServer('');
    await using server = await startFaultServer(`${inner.url}/good/inner`);
    const outcomes: FaultOutcome[] = [];
    {
      await using client = await openServiceClient({
        document: documentOf(Object.keys(EXPECTED)),
        serviceUrl: server.url,
        maxResponseBytes: LIMIT,
      });
      for (const [fault, expected] of Object.entries(EXPECTED))
        outcomes.push(await tryOne(client, { fault, expected }));
    }
    outcomes.push(...(await tryOthers()));
    const wrong = outcomes.filter(({ expected, got }) => expected !== got);
    for (const { fault, expected, got } of wrong) print(`${fault}: expected ${expected}, got ${got}`);
    const late = outcomes.filter(({ ms }) => ms > DEADLINE_MS + NOTICE_MS);
    for (const { fault, ms } of late) print(`${fault} took ${Math.round(ms)} ms`);
    const over = [...server.sent].filter(([, bytes]) => bytes > LIMIT + BUFFERS);
    for (const [fault, bytes] of over) print(`${fault}: ${bytes} bytes were taken`);
    const right = outcomes.length - wrong.length;
    return {
      passed: wrong.length === 0 && late.length === 0 && over.length === 0,
      line: `faults ${right}/${outcomes.length} ended as they must, ${late.length} past the deadline, ${over.length} past the limit`,
      figures: { outcomes, sent: Object.fromEntries(server.sent) },
    };
  },
};

/** Faults below HTTP. */
async function tryOthers(): Promise<FaultOutcome[]> {
  await using closed = await startRawServer(undefined);
  await using garbage = await startRawServer('no HTTP\r\n\r\n');
  await using secure = await startSecureServer();
  const gone = await startRawServer('');
  await gone[Symbol.asyncDispose]();
  const cases = [
    { fault: 'closed at once', url: closed.url, expected: 'CONNECTION_LOST' },
    { fault: 'no HTTP', url: garbage.url, expected: 'CONNECTION_LOST' },
    { fault: 'no certificate', url: secure.url, expected: 'CONNECTION_LOST' },
    { fault: 'nobody listens', url: gone.url, expected: 'SERVICE_UNAVAILABLE' },
    { fault: 'no such host', url: 'http://nothing.invalid', expected: 'SERVICE_UNAVAILABLE' },
  ];
  const outcomes: FaultOutcome[] = [];
  for (const { fault, url, expected } of cases) {
    await using client = await openServiceClient({ document: documentOf(['good']), serviceUrl: url });
    outcomes.push({ ...(await tryOne(client, { fault: 'good', expected })), fault });
  }
  return outcomes;
}

async function tryOne(
  client: ServiceClient,
  { fault, expected }: { readonly fault: string; readonly expected: string },
): Promise<FaultOutcome> {
  const started = performance.now();
  const got = await client.call(fault, { ligand: 'CCO' }, { timeoutMs: DEADLINE_MS, idempotencyKey: fault }).then(
    ({ status }) => (status === 200 ? 'answer' : `answer ${status}`),
    (error: unknown) =>
      error instanceof TaskFailedError
        ? error.failureCode
        : isMadError(error)
          ? error.code
          : `untyped ${String(error)}`,
  );
  return { fault, expected, got, ms: performance.now() - started };
}

function documentOf(paths: readonly string[]): object {
  const number = { type: 'number' };
  const pose = { type: 'object', properties: { affinity: number }, required: ['affinity'] };
  const poses = { type: 'object', properties: { poses: { type: 'array', items: pose } }, required: ['poses'] };
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const request = { type: 'object', properties: { ligand: { type: 'string' } }, required: ['ligand'] };
  const post = (operationId: string) => ({
    operationId,
    requestBody: json(request),
    responses: { 200: { description: 'poses', ...json(poses) } },
  });
  return {
    openapi: '3.1.0',
    info: { title: 'Faults', version: '1.0.0' },
    paths: Object.fromEntries(paths.map((path) => [`/${path}/run`, { post: post(path) }])),
  };
}
