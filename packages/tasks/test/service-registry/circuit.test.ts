import { setTimeout } from 'node:timers/promises';
import { TaskFailedError } from '@mad/core';
import { Agent } from 'undici';
import { expect, test } from 'vitest';
import { failureOfAnswer } from '../../src/client/answer/service-failure.ts';
import { sendRequest } from '../../src/client/exchange/send-request.ts';
import { verdictOf } from '../../src/service-registry/call-verdict.ts';
import { type CallVerdict, Circuit } from '../../src/service-registry/circuit.ts';
import { deadUrl, startServer } from '../hand-made-server.ts';

const LIMITS = { failures: 3, openMs: 100, trialMs: 10_000 };
/** The breaker counts a call in the microtasks after its end. */
const counted = () => setTimeout(0);

async function call(circuit: Circuit, verdict: CallVerdict): Promise<void> {
  circuit.begin().end(verdict);
  await counted();
}

test('opens after sick calls in a row, and only then', async () => {
  const circuit = new Circuit(LIMITS);
  for (const verdict of ['sick', 'sick', 'well', 'sick', 'unclear', 'sick'] as const) await call(circuit, verdict);
  expect(circuit.isPassable).toBe(true);
  expect(circuit.nextTrialAt).toBeUndefined();
  await call(circuit, 'sick');
  expect(circuit.isPassable).toBe(false);
  const waitMs = (circuit.nextTrialAt?.getTime() ?? 0) - Date.now();
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(100);
});

async function opened(limits = LIMITS): Promise<Circuit> {
  const circuit = new Circuit(limits);
  for (let n = 0; n < limits.failures; n++) await call(circuit, 'sick');
  await setTimeout(limits.openMs + 5);
  return circuit;
}

test('after its time lets one call try, whose end decides', async () => {
  const circuit = await opened();
  expect(circuit.isPassable).toBe(true);
  const trial = circuit.begin();
  expect(circuit.isPassable).toBe(false);
  trial.end('well');
  await counted();
  expect(circuit.isPassable).toBe(true);
  // The count began anew.
  await call(circuit, 'sick');
  expect(circuit.isPassable).toBe(true);
});

test.each(['sick', 'unclear'] as const)('a trial that ends %s opens it again', async (verdict) => {
  const circuit = await opened();
  await call(circuit, verdict);
  expect(circuit.isPassable).toBe(false);
  expect(circuit.nextTrialAt).toBeDefined();
});

test('a trial need not be over to be good: its work was accepted, or goes on for long', async () => {
  const accepted = await opened();
  accepted.begin().pass();
  await counted();
  expect(accepted.isPassable).toBe(true);
  const long = await opened({ ...LIMITS, trialMs: 50 });
  long.begin();
  await setTimeout(80);
  expect(long.isPassable).toBe(true);
});

test('calls that were begun before it opened decide nothing any more', async () => {
  const circuit = new Circuit(LIMITS);
  const early = Array.from({ length: 6 }, () => circuit.begin());
  for (const one of early.slice(0, 3)) one.end('sick');
  await counted();
  early[3]?.end('well');
  await counted();
  expect(circuit.isPassable).toBe(false);
});

test('what a failure says of the instance', async () => {
  const dispatcher = new Agent();
  const ask = (url: string) =>
    sendRequest({
      method: 'POST',
      url: new URL(url),
      signal: AbortSignal.timeout(5_000),
      dispatcher,
      maxResponseBytes: 100,
    });
  const failureOf = (url: string) => ask(url).catch((error: unknown) => error);
  expect(verdictOf(await failureOf(await deadUrl()))).toBe('sick');
  await using breaking = await startServer((request) => request.socket.destroy());
  expect(verdictOf(await failureOf(breaking.url))).toBe('sick');
  await using server = await startServer((request, response) => {
    const [status = '', after] = (request.url ?? '').slice(1).split('/');
    response.writeHead(Number(status), after ? { 'retry-after': after } : {}).end();
  });
  const verdicts: Record<string, CallVerdict> = {};
  for (const path of ['400', '422', '429', '500', '502', '503', '503/1', '504'])
    verdicts[path] = verdictOf(failureOfAnswer(await ask(`${server.url}/${path}`)));
  await dispatcher.close();
  expect(verdicts).toEqual({
    400: 'well',
    422: 'well',
    429: 'well',
    500: 'well',
    502: 'sick',
    503: 'sick',
    '503/1': 'well',
    504: 'sick',
  });
  const failed = (failureCode: string, details = {}) =>
    new TaskFailedError({ failureCode, message: failureCode, retryable: true, details });
  expect(verdictOf(failed('TIMEOUT'))).toBe('unclear');
  expect(verdictOf(failed('CANCELED'))).toBe('unclear');
  expect(verdictOf(new Error('of ours'))).toBe('unclear');
  // The service's own words are no fault of the network.
  expect(verdictOf(failed('NO_POSES', { fault: 'ECONNREFUSED' }))).toBe('well');
});
