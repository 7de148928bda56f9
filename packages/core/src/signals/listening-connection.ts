import { setTimeout } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { type Logger, silentLogger } from '../logger.ts';

export interface ListeningConnectionOptions {
  /** What to connect to, or a function that resolves with a connected client of its own. */
  readonly connect: ClientConfig | (() => Promise<Client>);
  /** Whenever there is a connection again. */
  readonly onConnected: () => void;
  /** From now on nothing on this channel is missed, until the connection is lost. */
  readonly onListening: (channel: string) => void;
  readonly onNotification: (channel: string, payload: string) => void;
  readonly logger?: Logger | undefined;
}

const CONNECT_MS = 10_000;
const STATEMENT_MS = 10_000;
const HEARTBEAT_MS = 30_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;

/**
 * One connection that listens. Lost, it is replaced, after a pause that doubles from a tenth of a second to ten; a connection whose other end
 * vanished without a word is found by a statement every half minute. It holds a process only while a statement runs.
 */
export class ListeningConnection implements AsyncDisposable {
  readonly #options: ListeningConnectionOptions;
  readonly #logger: Logger;
  readonly #channels = new Set<string>();
  readonly #stop = new AbortController();
  #client: Client | undefined;
  #lose: () => void = () => {};
  // `pg` takes one statement at a time.
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ListeningConnectionOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    void this.#live();
  }

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Now if there is a connection, and on every one to come. */
  listen(channel: string): void {
    this.#channels.add(channel);
    void this.#listen(channel);
  }

  /** False when it did not run: there is no connection, or it was lost over the statement. */
  query(text: string, values: readonly unknown[] = []): Promise<boolean> {
    const ran = this.#turn.then(() => this.#run(text, values));
    this.#turn = ran;
    return ran;
  }

  /** Waits for the statements that were given, and says goodbye to the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.#stop.abort();
    const client = this.#client;
    this.#lose();
    if (client) await Promise.race([client.end().catch(() => {}), setTimeout(1_000, undefined, { ref: false })]);
  }

  async #live(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      const client = await this.#connect();
      if (client && signal.aborted) return void client.end().catch(() => {});
      failures = client ? 0 : failures + 1;
      if (client) await this.#use(client);
      const pauseMs = Math.min(FIRST_BACKOFF_MS * 2 ** failures, LONGEST_BACKOFF_MS) * (0.5 + Math.random() / 2);
      await setTimeout(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #connect(): Promise<Client | undefined> {
    const { connect } = this.#options;
    try {
      if (typeof connect === 'function') return await connect();
      const client = new Client({ keepAlive: true, connectionTimeoutMillis: CONNECT_MS, ...connect });
      // A connection that fails while it is made tells so twice.
      client.on('error', () => {});
      holdProcess(client, false);
      await client.connect();
      return client;
    } catch (error) {
      this.#logger.warn({ err: error }, 'no connection for signals; jobs of other processes are noticed by looking');
      return undefined;
    }
  }

  /** Resolves when the client is lost. */
  async #use(client: Client): Promise<void> {
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    this.#lose = () => {
      this.#client = undefined;
      resolve();
    };
    client.on('error', (error) => {
      this.#logger.warn({ err: error }, 'the connection for signals was lost; another replaces it');
      this.#lose();
    });
    client.on('end', this.#lose);
    client.on('notification', ({ channel, payload = '' }) => this.#options.onNotification(channel, payload));
    holdProcess(client, false);
    this.#client = client;
    for (const channel of this.#channels) void this.#listen(channel);
    this.#options.onConnected();
    const heartbeat = setInterval(() => void this.query('select 1'), HEARTBEAT_MS).unref();
    await lost;
    clearInterval(heartbeat);
    client.removeAllListeners('notification');
    client.end().catch(() => {});
  }

  async #listen(channel: string): Promise<void> {
    if (await this.query(`listen "${channel}"`)) this.#options.onListening(channel);
  }

  async #run(text: string, values: readonly unknown[]): Promise<boolean> {
    const client = this.#client;
    if (!client) return false;
    holdProcess(client, true);
    try {
      await client.query({ text, values: [...values], query_timeout: STATEMENT_MS } as { text: string });
      return true;
    } catch (error) {
      this.#logger.warn({ err: error }, 'a statement of the signals failed; another connection is made');
      this.#lose();
      return false;
    } finally {
      holdProcess(client, false);
    }
  }
}

/** Whether the open socket alone keeps the process from its end. */
function holdProcess(client: Client, hold: boolean): void {
  // Missing in the types of `pg`.
  const socket = client as Client & { ref(): void; unref(): void };
  if (hold) socket.ref();
  else socket.unref();
}
