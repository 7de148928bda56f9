import { type JsonObject, systemClock } from '@mad/core';
import { Agent } from 'undici';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/service-registry/duration.ts';
import { readHealthCheck } from '../../src/service-registry/health-check.ts';
import { probeService } from '../../src/service-registry/probe-service.ts';
import { startServer } from '../hand-made-server.ts';

test.each([
  [10, 10_000],
  [0.5, 500],
  ['10s', 10_000],
  ['10', 10_000],
  ['1m30s', 90_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  [' 2m ', 120_000],
])('%j is a duration', (value, ms) => {
  expect(parseDuration(value)).toBe(ms);
});

test.each([-1, Number.NaN, '', 's', '10 parsecs', '10s later', '1s1', null, {}, '9'.repeat(50)])(
  '%j is none',
  (value) => {
    expect(parseDuration(value)).toBeUndefined();
  },
);

test('a health check is what its task says of it, within bounds', () => {
  expect(readHealthCheck({})).toEqual({
    path: '/health',
    isPathGiven: false,
    intervalMs: 30_000,
    timeoutMs: 3_000,
    retries: 1,
    faults: [],
  });
  const given = { path: '/ready', interval: '10s', timeout: 2, retries: 3 };
  expect(readHealthCheck({ health_check: given })).toEqual({
    path: '/ready',
    isPathGiven: true,
    intervalMs: 10_000,
    timeoutMs: 2_000,
    retries: 3,
    faults: [],
  });
  const extreme = { interval: '1ms', timeout: '10h', retries: 1_000_000 };
  expect(readHealthCheck({ health_check: extreme })).toMatchObject({
    intervalMs: 1_000,
    timeoutMs: 30_000,
    retries: 5,
  });
});

test('what means nothing is the default, and is told', () => {
  const defaults = { path: '/health', isPathGiven: false, intervalMs: 30_000, timeoutMs: 3_000, retries: 1 };
  const nonsense = { path: 7, interval: 'soon', timeout: [], retries: -1 };
  expect(readHealthCheck({ health_check: nonsense })).toEqual({
    ...defaults,
    faults: ['path', 'interval', 'timeout', 'retries'].map((name) => `health_check.${name} means nothing`),
  });
  expect(readHealthCheck({ health_check: 'often' })).toEqual({ ...defaults, faults: ['health_check is no object'] });
});

describe('a service without a health path', () => {
  const ask = async (status: number, serviceConfig: JsonObject): Promise<boolean> => {
    await using server = await startServer((_, response) => response.writeHead(status).end());
    const healthCheck = readHealthCheck(serviceConfig);
    const dispatcher = new Agent();
    const signal = AbortSignal.timeout(5_000);
    return await probeService({ serviceUrl: new URL(server.url), healthCheck, dispatcher, clock: systemClock, signal });
  };

  test.each([200, 401, 404, 405, 429])('is there when it answers %i where nobody said what to ask', async (status) => {
    expect(await ask(status, {})).toBe(true);
  });

  test.each([302, 500, 503])('is not there when it answers %i', async (status) => {
    expect(await ask(status, { health_check: { retries: 0 } })).toBe(false);
  });

  test('must have the one that its task names', async () => {
    expect(await ask(404, { health_check: { path: '/health', retries: 0 } })).toBe(false);
  });
});
