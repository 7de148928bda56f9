import type { Clock, JsonObject } from '@mad/core';
import type { Dispatcher } from 'undici';
import type { ApiOperation } from '../../openapi/api-operation.ts';
import type { TaskInterface } from '../../openapi/task-interface.ts';
import type { Bell } from '../accepted-work/callbacks.ts';
import type { RequestFiles } from '../request/request-files.ts';
import type { Authentication } from './authenticate.ts';
import { type AnswerFiles, type ServiceAnswer, type ServiceRequest, sendRequest } from './send-request.ts';
import type { Retries } from './with-retries.ts';

/** How exchanges with a service are made. */
export interface Connection {
  readonly dispatcher: Dispatcher;
  readonly maxResponseBytes: number;
  /** Asked for every exchange, with the operation's security. */
  readonly authenticate: (security: ApiOperation['security']) => Promise<Authentication>;
  /** Where the file goes that a service answers with. */
  readonly answerFiles?: AnswerFiles | undefined;
}

export interface ServiceCall extends Connection {
  /** The service's own address; the paths of the interface are below it. */
  readonly serviceUrl: URL;
  readonly taskInterface: TaskInterface;
  /** That of the interface: files are artifact references. */
  readonly request: JsonObject;
  readonly files: RequestFiles;
  readonly idempotencyKey: string;
  /** Ends the call, its deadline included. */
  readonly signal: AbortSignal;
  /** True when an aborted call will be made again: what the service has taken over is not canceled. */
  readonly isInterrupted: () => boolean;
  /** The service's id of work that it took over for an earlier call of this key: it is asked for, nothing is sent. */
  readonly externalId: string | undefined;
  /** Told of work that the service takes over, before it is asked for. */
  readonly onAccepted: (externalId: string) => Promise<void>;
  readonly onProgress?: ((fraction: number) => void) | undefined;
  readonly clock: Clock;
  /** Redirects that stay below the service's own address are followed; no other ever is. */
  readonly followRedirects?: boolean | undefined;
  /** Rung when the service calls back. */
  readonly bell?: Bell | undefined;
  readonly retries: Pick<Retries, 'budget' | 'onRetry'>;
}

/** Exchanges of one call with an operation of its service, each with the credentials of that moment. */
export function openExchange(
  call: Connection & Pick<ServiceCall, 'signal'>,
  { security }: Pick<ApiOperation, 'security'>,
): Exchange {
  const { signal, dispatcher, maxResponseBytes, answerFiles: files } = call;
  const send = (sent: Parameters<Exchange>[0]) => sendRequest({ ...sent, signal, dispatcher, maxResponseBytes, files });
  if (security.length === 0) return send;
  return async ({ url, headers = {}, ...sent }) => {
    const { headers: own, query, cookies } = await call.authenticate(security);
    const authorized = new URL(url);
    if (query.length > 0)
      authorized.search = [authorized.search.slice(1), ...query].filter((part) => part !== '').join('&');
    const cookie = [headers.cookie, ...cookies].filter((part) => part !== undefined).join('; ');
    const all = { ...headers, ...own, ...(cookie === '' ? {} : { cookie }) };
    return send({ ...sent, url: authorized, headers: all });
  };
}

/** True for an address that lies below that of the service: its neighbours at the same origin are others, whatever it says of them. */
export function isBelow(serviceUrl: URL, url: URL | null): url is URL {
  const base = `${serviceUrl.pathname.replace(/\/+$/, '')}/`;
  return url !== null && url.origin === serviceUrl.origin && url.username === '' && url.pathname.startsWith(base);
}

/** One exchange of a call: everything but what the call already says. */
export type Exchange = (sent: Pick<ServiceRequest, 'method' | 'url' | 'headers' | 'body'>) => Promise<ServiceAnswer>;

/** A path of the interface below the service's own address, whether or not that ends in a slash. Both are encoded already. */
export function below({ origin, pathname }: URL, path: string, search = ''): URL {
  // Parsed once: a URL that is changed part by part is parsed for each.
  // What a parser of URLs takes for the end of the path, for a slash, or for nothing.
  const safe = path.replaceAll(/[?#\\\s\p{Cc}]/gu, encodeURIComponent);
  const query = search === '' ? '' : `?${search.replaceAll('#', '%23')}`;
  return new URL(`${origin}${pathname.replace(/\/+$/, '')}/${safe.replace(/^\/+/, '')}${query}`);
}
