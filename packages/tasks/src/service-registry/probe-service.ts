import type { Clock } from '@mad/core';
import type { Dispatcher } from 'undici';
import { sendRequest } from '../client/exchange/send-request.ts';
import { below } from '../client/exchange/service-call.ts';
import type { HealthCheck } from './health-check.ts';

const MAX_BYTES = 64 * 1024;
const PAUSE_MS = 200;

export interface Probe {
  readonly serviceUrl: URL;
  readonly healthCheck: HealthCheck;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Ends the asking; then it is not healthy. */
  readonly signal: AbortSignal;
}

/**
 * True when the service answers its health path with 2xx in time, at the first question or a repeated one. Where no path is given, that there is
 * nothing at `/health` is an answer too. Never throws.
 */
export async function probeService({ serviceUrl, healthCheck, dispatcher, clock, signal }: Probe): Promise<boolean> {
  const { path, isPathGiven, timeoutMs, retries } = healthCheck;
  const url = below(serviceUrl, path);
  for (let attempt = 0; ; attempt++) {
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const asked = { method: 'GET', url, signal: inTime, dispatcher, maxResponseBytes: MAX_BYTES };
      const { status } = await sendRequest(asked);
      if (status >= 200 && status < 300) return true;
      if (!isPathGiven && status >= 400 && status < 500) return true;
    } catch {
      // No answer is an answer.
    }
    if (attempt >= retries || signal.aborted) return false;
    await clock.sleep(PAUSE_MS, signal).catch(() => {});
  }
}
