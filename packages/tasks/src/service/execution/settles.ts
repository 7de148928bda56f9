/** Timers overflow beyond it and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** True when the promise resolves in time, false when it does not. It must not reject. */
export async function settles(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(late.resolve, Math.min(withinMs, MAX_TIMER_MS), false);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
