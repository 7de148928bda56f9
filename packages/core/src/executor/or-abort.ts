export interface OrAbort {
  readonly signal: AbortSignal;
  /** How long the work may still clean up once the signal has aborted. */
  readonly graceMs: number;
}

/** The value of work that ends before the signal aborts. After it the signal's reason is thrown, whatever the work still answers, and if never. */
export async function orAbort<T>(work: Promise<T>, { signal, graceMs }: OrAbort): Promise<T> {
  const gaveUp = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => gaveUp.reject(signal.reason), graceMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    const value = await Promise.race([work, gaveUp.promise]);
    signal.throwIfAborted();
    return value;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
