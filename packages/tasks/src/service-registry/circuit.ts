import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhenResult } from 'cockatiel';

/** What the end of a call says of the instance: it is well, it is sick, or nothing. */
export type CallVerdict = 'well' | 'sick' | 'unclear';

export interface CircuitLimits {
  /** Sick calls in a row that open it. @default 5 */
  readonly failures?: number | undefined;
  /** How long it is open before one call tries again. @default 10_000 */
  readonly openMs?: number | undefined;
  /** A trial that has not failed by then has succeeded: the work of a call may take hours. @default 10_000 */
  readonly trialMs?: number | undefined;
}

/** A call as its circuit sees it. */
export interface CircuitCall {
  /** The call is good so far: where it is a trial, that is enough. */
  pass(): void;
  end(verdict: CallVerdict): void;
}

/** The circuit of one instance: closed until calls fail in a row, then open, then tried by one call. */
export class Circuit {
  readonly #breaker;
  readonly #openMs: number;
  readonly #trialMs: number;
  #openedAt = 0;

  constructor({ failures = 5, openMs = 10_000, trialMs = 10_000 }: CircuitLimits = {}) {
    const isSick = handleWhenResult((verdict) => verdict === 'sick');
    this.#breaker = circuitBreaker(isSick, { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failures) });
    this.#breaker.onBreak(() => {
      this.#openedAt = Date.now();
    });
    this.#openMs = openMs;
    this.#trialMs = trialMs;
  }

  /** True where a call may begin now: of an open circuit whose time is over, one. */
  get isPassable(): boolean {
    if (this.#breaker.state === CircuitState.Open) return Date.now() - this.#openedAt >= this.#openMs;
    return this.#breaker.state === CircuitState.Closed;
  }

  /** When the next trial may begin; undefined where none is waited for. */
  get nextTrialAt(): Date | undefined {
    return this.#breaker.state === CircuitState.Open ? new Date(this.#openedAt + this.#openMs) : undefined;
  }

  /** A call begins. One that begins though the circuit is not passable counts for nothing. */
  begin(): CircuitCall {
    if (!this.isPassable) return { pass() {}, end() {} };
    const isTrial = this.#breaker.state === CircuitState.Open;
    const { promise, resolve, reject } = Promise.withResolvers<CallVerdict>();
    promise.catch(() => {});
    this.#breaker.execute(() => promise).catch(() => {});
    const pass = (): void => (isTrial ? resolve('well') : undefined);
    const timer = isTrial ? setTimeout(pass, this.#trialMs).unref() : undefined;
    return {
      pass,
      end(verdict) {
        clearTimeout(timer);
        if (verdict !== 'unclear') resolve(verdict);
        else if (isTrial) resolve('sick');
        // What is thrown counts neither way.
        else reject(verdict);
      },
    };
  }
}
