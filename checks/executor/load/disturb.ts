/** Something that is done to a system again and again while it works. */
export interface Disturbance extends AsyncDisposable {
  /** How often it was done. */
  count(): number;
  /** Does it no more. @throws what doing it threw. */
  stop(): Promise<void>;
}

export interface Disturb {
  /** Until the next time. */
  readonly pause: (signal: AbortSignal) => Promise<unknown>;
  /** False when it could not be done this time. */
  readonly act: (times: number) => Promise<boolean>;
  readonly atMost: number;
}

export function disturb({ pause, act, atMost }: Disturb): Disturbance {
  const stopping = new AbortController();
  let times = 0;
  const running = (async () => {
    while (times < atMost) {
      await pause(stopping.signal);
      if (await act(times)) times++;
    }
  })();
  // Whoever stops it is told.
  running.catch(() => {});
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running.catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    });
  };
  return { count: () => times, stop, [Symbol.asyncDispose]: stop };
}
