import { setTimeout } from 'node:timers/promises';
import { type Logger, silentLogger } from '@mad/core';
import type { RegisteredInstance, ServiceRegistration } from './registration.ts';
import type { OfferedOperation, TaskService } from './task-service.ts';

export interface KeepRegistered {
  readonly registration: ServiceRegistration;
  /** The base below which callers reach the operations of the service, such as `http://10.0.0.7:8080`. */
  readonly url: string;
  /** @default 10 s */
  readonly heartbeatMs?: number | undefined;
  /** @default silent */
  readonly logger?: Logger | undefined;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** An answer of the registry that takes longer counts as none. */
const REGISTRY_TIMEOUT_MS = 10_000;
const DEREGISTER_TIMEOUT_MS = 3_000;

/**
 * Registers every operation of a service once it is ready and tells the registry of its load until the service is closed: `draining` as soon as that
 * begins, deregistered when nothing runs any more. A registry that is away is asked again, up to 30 s apart, and logged; it never ends the service.
 */
export function keepRegistered(service: TaskService, options: KeepRegistered): void {
  const registrars = service.operations.map(({ taskKey }) => new Registrar({ service, taskKey, options }));
  service.onClose({
    begins: () => {
      for (const registrar of registrars) registrar.drain();
    },
    ends: async () => {
      await Promise.all(registrars.map((registrar) => registrar.end()));
    },
  });
  // A service that cannot be prepared is never registered; whoever asks `ready` hears why.
  service.ready().then(
    () => {
      for (const registrar of registrars) registrar.begin();
    },
    () => {},
  );
}

interface RegistrarOptions {
  readonly service: TaskService;
  readonly taskKey: string;
  readonly options: KeepRegistered;
}

/** Keeps one operation registered. */
class Registrar {
  readonly #taskKey: string;
  readonly #service: TaskService;
  readonly #options: KeepRegistered;
  readonly #logger: Logger;
  readonly #ended = new AbortController();
  #instance: RegisteredInstance | undefined;
  /** False before the first and after a failed heartbeat: the registry may have lost the instance. */
  #isKnown = false;
  #isDraining = false;
  #faults = 0;
  #wake = new AbortController();
  #kept: Promise<void> | undefined;

  constructor({ service, taskKey, options }: RegistrarOptions) {
    this.#taskKey = taskKey;
    this.#service = service;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  begin(): void {
    if (this.#isDraining) return;
    this.#kept = this.#keep();
  }

  drain(): void {
    this.#isDraining = true;
    this.#wake.abort();
  }

  async end(): Promise<void> {
    this.#ended.abort();
    this.#wake.abort();
    await this.#kept;
    const instance = this.#instance;
    if (!instance) return;
    try {
      await unlessAborted(instance.deregister(), AbortSignal.timeout(DEREGISTER_TIMEOUT_MS));
    } catch (error) {
      this.#warn(error, 'a task service could not be deregistered');
    }
  }

  async #keep(): Promise<void> {
    const { heartbeatMs = 10_000 } = this.#options;
    while (!this.#ended.signal.aborted) {
      const { signal } = this.#wake;
      await setTimeout((await this.#beat()) ? heartbeatMs : this.#retryMs(), undefined, { signal, ref: false }).catch(
        () => {
          this.#wake = new AbortController();
        },
      );
    }
  }

  /** True when the registry knows of the instance and its load. */
  async #beat(): Promise<boolean> {
    const { taskKey, document, capacity, load } = this.#offered();
    const { registration, url } = this.#options;
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(REGISTRY_TIMEOUT_MS)]);
    try {
      if (!this.#instance || !this.#isKnown) {
        const serviceUrl = `${url.replace(/\/+$/, '')}/${taskKey}`;
        const registering = registration.register({ taskKey, serviceUrl, document, capacity });
        this.#instance = await unlessAborted(registering, signal);
        this.#isKnown = true;
      }
      await unlessAborted(this.#instance.heartbeat({ ...load, draining: this.#isDraining }), signal);
      if (this.#faults > 0) this.#logger.info({ taskKey }, 'the registry answers again');
      this.#faults = 0;
      return true;
    } catch (error) {
      if (this.#ended.signal.aborted) return false;
      this.#isKnown = false;
      this.#faults++;
      this.#warn(error, 'a task service could not tell the registry that it runs; it goes on trying');
      return false;
    }
  }

  #offered(): OfferedOperation {
    const offered = this.#service.operations.find(({ taskKey }) => taskKey === this.#taskKey);
    if (!offered) throw new TypeError(`no operation is named ${this.#taskKey}`);
    return offered;
  }

  #retryMs(): number {
    return Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#faults - 1, 16), MAX_RETRY_MS);
  }

  #warn(error: unknown, message: string): void {
    this.#logger.warn({ taskKey: this.#taskKey, faults: this.#faults, err: error }, message);
  }
}

/** What is still answered later is passed over. @throws the signal's reason when it aborts first. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
