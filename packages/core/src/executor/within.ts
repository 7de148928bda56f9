export interface Within {
  readonly signal: AbortSignal;
  readonly ms: number;
}

/**
 * The value of work that ends in time; else the signal's reason, or a `TimeoutError`. What others do on the way of a job may hang, and must hold up
 * neither its end nor its executor's.
 */
export async function within<T>(work: Promise<T>, { signal, ms }: Within): Promise<T> {
  const gaveUp = Promise.withResolvers<never>();
  const onAbort = () => gaveUp.reject(signal.reason);
  const timer = setTimeout(() => gaveUp.reject(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')), ms);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, gaveUp.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
