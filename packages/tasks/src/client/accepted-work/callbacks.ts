import { createHash } from 'node:crypto';

/** A door bell of one call: whoever rings it says nothing but that it is time to ask. */
export interface Bell extends Disposable {
  /** What the service is given to call back. */
  readonly url: string;
  /** Aborts when it is rung. */
  readonly rung: AbortSignal;
  /** Makes it ready to be rung again. */
  rearm(): void;
}

/** The calls that services may call back. */
export class Callbacks {
  readonly #toUrl: (token: string) => string;
  readonly #open = new Map<string, AbortController>();

  constructor(toUrl: (token: string) => string) {
    this.#toUrl = toUrl;
  }

  /** A bell by the key of the call: another process that takes the call over listens to the same. */
  open(idempotencyKey: string): Bell {
    const token = createHash('sha256').update(`callback:${idempotencyKey}`).digest('hex').slice(0, 32);
    const open = this.#open;
    open.set(token, new AbortController());
    return {
      url: this.#toUrl(token),
      get rung() {
        return open.get(token)?.signal ?? AbortSignal.abort();
      },
      rearm: () => void open.set(token, new AbortController()),
      [Symbol.dispose]: () => void open.delete(token),
    };
  }

  /** False when no call of this process has the token. */
  ring(token: string): boolean {
    const bell = this.#open.get(token);
    bell?.abort();
    return bell !== undefined;
  }
}
