import type { JsonObject } from '@mad/core';
import type { HttpMethod } from '../../openapi/api-operation.ts';
import type { OperationInterface } from '../../openapi/operation-interface.ts';
import { buildRequest } from '../request/build-request.ts';
import type { RequestFiles } from '../request/request-files.ts';
import type { ServiceAnswer } from './send-request.ts';
import { below, type Exchange, isBelow, type ServiceCall } from './service-call.ts';
import { withRetries } from './with-retries.ts';

export interface SendOperation
  extends Pick<ServiceCall, 'serviceUrl' | 'clock' | 'signal' | 'retries' | 'followRedirects'> {
  readonly request: JsonObject;
  readonly files: RequestFiles;
  readonly exchange: Exchange;
  readonly idempotencyKey: string | undefined;
  /** The media type to answer with, where it matters. @default any that is declared */
  readonly accept?: string | undefined;
}

/** RFC 9110, 9.2.2: several of the same do what one does. */
const IDEMPOTENT: ReadonlySet<HttpMethod> = new Set(['get', 'head', 'options', 'put', 'delete', 'trace']);

/** Sends a request that fits the interface, again where that is safe and helps. */
export async function sendOperation(api: OperationInterface, sent: SendOperation): Promise<ServiceAnswer> {
  const { serviceUrl, request, files, exchange, idempotencyKey, accept, clock, signal, retries } = sent;
  const { method, takesIdempotencyKey } = api.operation;
  const own: Record<string, string> = {
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    // Failures come as they like.
    ...(accept === undefined ? {} : { accept: `${accept}, */*;q=0.1` }),
  };
  const isRepeatable = IDEMPOTENT.has(method) || (takesIdempotencyKey && idempotencyKey !== undefined);
  // Built for each attempt: the stream of a file can be sent once.
  const send = async (to?: URL) => {
    const { path, search, headers, body, ...built } = await buildRequest(api, request, files);
    const url = to ?? below(serviceUrl, path, search);
    return { url, answer: await exchange({ method: built.method, url, headers: { ...headers, ...own }, body }) };
  };
  const sendOn = async () => {
    let { url, answer } = await send();
    for (let hops = 0; sent.followRedirects && hops < MAX_HOPS; hops++) {
      const next = findRedirect(answer, { url, method, serviceUrl });
      if (!next) break;
      ({ url, answer } = await send(next));
    }
    return answer;
  };
  return withRetries(sendOn, { isRepeatable, clock, signal, ...retries });
}

const MAX_HOPS = 3;

/** Where the same request is to be sent instead, below the service's own address; undefined for everything else. */
function findRedirect(
  { status, header }: ServiceAnswer,
  sent: { readonly url: URL; readonly method: HttpMethod; readonly serviceUrl: URL },
): URL | undefined {
  const isSafe = sent.method === 'get' || sent.method === 'head';
  if (status !== 307 && status !== 308 && !(isSafe && (status === 301 || status === 302))) return undefined;
  const next = URL.parse(header('location') ?? '', sent.url.href);
  return isBelow(sent.serviceUrl, next) ? next : undefined;
}
