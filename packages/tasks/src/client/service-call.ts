import type { Clock, JsonValue } from '@mad/core';
import type { Dispatcher } from 'undici';
import type { TaskInterface } from '../openapi/task-interface.ts';
import type { ServiceAnswer, ServiceRequest } from './send-request.ts';

export interface ServiceCall {
  /** The service's own address; the paths of the interface are below it. */
  readonly serviceUrl: URL;
  readonly taskInterface: TaskInterface;
  /** As sent: files are their text. */
  readonly request: JsonValue;
  readonly idempotencyKey: string;
  /** Ends the call, its deadline included. */
  readonly signal: AbortSignal;
  readonly onProgress?: ((fraction: number) => void) | undefined;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly maxResponseBytes: number;
}

/** One exchange of a call: everything but what the call already says. */
export type Exchange = (sent: Pick<ServiceRequest, 'method' | 'url' | 'headers' | 'body'>) => Promise<ServiceAnswer>;

/** A path of the interface below the service's own address, whether or not that ends in a slash. */
export function below(serviceUrl: URL, path: string): URL {
  const url = new URL(serviceUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  url.search = '';
  url.hash = '';
  return url;
}
