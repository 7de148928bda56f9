import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingCall } from './incoming-call.ts';
import type { Router } from './router.ts';

/** Answers a request of node:http; resolves when the answer has left or the caller has gone, and never rejects. */
export async function answerNode(
  router: Router,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const { status, headers, body, closes } = await router(toCall(request, response));
  if (response.destroyed || response.headersSent) return;
  // Without a listener a connection that breaks now would end the process.
  response.on('error', () => {});
  const closed = once(response, 'close').catch(() => {});
  response.writeHead(status, { ...headers, ...(closes ? { connection: 'close' } : {}) });
  response.end(body);
  // What is left of the body is let go: a caller that is still sending would not see its answer.
  request.resume();
  await closed;
}

function toCall(request: IncomingMessage, response: ServerResponse): IncomingCall {
  const gone = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) gone.abort();
  };
  if (response.destroyed) onClose();
  else response.once('close', onClose);
  return {
    method: request.method ?? 'GET',
    path: toPath(request.url ?? '/'),
    header(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    // Leaving it early must not destroy the request: its connection still carries the answer.
    body: () => (request.readableDidRead ? undefined : request.iterator({ destroyOnReturn: false })),
    gone: gone.signal,
  };
}

/** Of a request target in origin form, or in absolute form as proxies send it (RFC 9112, 3.2). */
function toPath(target: string): string {
  return URL.parse(target.startsWith('/') ? `http://host${target}` : target)?.pathname ?? '';
}
