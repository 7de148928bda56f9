import { TaskServiceError } from '../../errors.ts';
import type { IncomingCall } from './incoming-call.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  /** For all of the body. */
  readonly timeoutMs: number;
}

/** All of a body. @throws {TaskServiceError} 413, 408, or 400 when it breaks off. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  { call, maxBytes, timeoutMs }: BodyLimits & { readonly call: IncomingCall },
): Promise<Buffer> {
  if (Number(call.header('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const ending = Promise.withResolvers<never>();
  const timer = setTimeout(() => ending.reject(tooSlow(timeoutMs)), timeoutMs);
  const leave = (): void => ending.reject(brokenOff());
  call.gone.addEventListener('abort', leave, { once: true });
  if (call.gone.aborted) leave();
  const chunks = body[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), ending.promise]);
      if (done) return Buffer.concat(read);
      bytes += value.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      read.push(value);
    }
  } catch (error) {
    throw error instanceof TaskServiceError ? error : brokenOff(error);
  } finally {
    clearTimeout(timer);
    call.gone.removeEventListener('abort', leave);
    // Not waited for: it comes after the chunk that may never come.
    chunks.return?.().catch(() => {});
  }
}

function tooLarge(maxBytes: number): TaskServiceError {
  const message = `the body may have at most ${maxBytes} bytes`;
  return new TaskServiceError({ code: 'PAYLOAD_TOO_LARGE', message, status: 413 });
}

function tooSlow(timeoutMs: number): TaskServiceError {
  const message = `the body did not arrive within ${timeoutMs} ms; send it again`;
  return new TaskServiceError({ code: 'REQUEST_TIMEOUT', message, status: 408 });
}

function brokenOff(cause?: unknown): TaskServiceError {
  const message = 'the body broke off before its end; send it again';
  return new TaskServiceError({ code: 'INCOMPLETE_BODY', message, status: 400, cause });
}
