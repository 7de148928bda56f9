import { findByPointer, type JsonObject } from '@mad/core';
import type { Dispatcher } from 'undici';
import { sendRequest } from '../client/send-request.ts';
import { below } from '../client/service-call.ts';

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1024;

export interface Probe {
  readonly serviceUrl: URL;
  /** `task_definitions.service_config`: `health_check.path` says where to ask. */
  readonly serviceConfig: JsonObject;
  readonly dispatcher: Dispatcher;
}

/** True when the service answers its health path with 2xx within three seconds. Never throws. */
export async function probeService({ serviceUrl, serviceConfig, dispatcher }: Probe): Promise<boolean> {
  const path = findByPointer(serviceConfig, '/health_check/path');
  const url = below(serviceUrl, typeof path === 'string' ? path : '/health');
  try {
    const { status } = await sendRequest({
      method: 'GET',
      url,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      dispatcher,
      maxResponseBytes: MAX_BYTES,
    });
    return status >= 200 && status < 300;
  } catch {
    return false;
  }
}
