import type { IncomingCall } from './incoming-call.ts';
import type { Router } from './router.ts';

/** Answers a request of the Fetch API; never rejects. */
export async function answerFetch(router: Router, request: Request): Promise<Response> {
  const { status, headers, body } = await router(toCall(request));
  return new Response(body.byteLength > 0 ? new Uint8Array(body) : null, { status, headers });
}

function toCall(request: Request): IncomingCall {
  return {
    method: request.method,
    path: URL.parse(request.url)?.pathname ?? '',
    header: (name) => request.headers.get(name) ?? undefined,
    body() {
      if (request.bodyUsed) return undefined;
      // Leaving it early must not cancel it: some servers would close the connection before the answer.
      return request.body?.values({ preventCancel: true }) ?? nothing();
    },
    gone: request.signal,
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
