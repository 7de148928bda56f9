import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** An answer as it came over the wire, whatever the client made of it. */
export interface WitnessedAnswer {
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The first 64 KiB, filled while they arrive. */
  readonly chunks: readonly Buffer[];
}

const MAX_BYTES = 64 * 1024;

/** Notes every answer that passes through a dispatcher, in the order in which their heads arrive. */
export class Witness {
  readonly #answers: WitnessedAnswer[] = [];

  get answers(): readonly WitnessedAnswer[] {
    return this.#answers;
  }

  readonly interceptor: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
    dispatch(
      options,
      new WitnessedExchange(handler, (answer) => this.#answers.push({ ...toTarget(options), ...answer })),
    );
}

const toTarget = ({ method, path }: Dispatcher.DispatchOptions): Pick<WitnessedAnswer, 'method' | 'path'> => ({
  method: String(method),
  path,
});

class WitnessedExchange implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #note: (answer: Pick<WitnessedAnswer, 'status' | 'headers' | 'chunks'>) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    handler: Dispatcher.DispatchHandler,
    note: (answer: Pick<WitnessedAnswer, 'status' | 'headers' | 'chunks'>) => void,
  ) {
    this.#handler = handler;
    this.#note = note;
  }

  onRequestStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestStart']>>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    const [, status, headers] = args;
    if (status >= 200) this.#note({ status, headers, chunks: this.#chunks });
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseData']>>): void {
    const [, chunk] = args;
    if (this.#bytes < MAX_BYTES) this.#chunks.push(chunk.subarray(0, MAX_BYTES - this.#bytes));
    this.#bytes += chunk.byteLength;
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseError']>>): void {
    this.#handler.onResponseError?.(...args);
  }
}
