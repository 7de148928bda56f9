import { findSqlState, type Logger, SQLSTATE, sendQuery } from '@mad/core';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Client, type ClientConfig } from 'pg';
import { ConnectionsBusyError, ResultsDatabasesClosedError, ResultsDatabaseUnreachableError } from '../errors.ts';

/** While other databases wait, a connection is lent this often before its place goes to one of them: reconnecting costs several queries. */
const LOANS_WHILE_OTHERS_WAIT = 20;

export interface ConnectionBudgetOptions {
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly waitTimeoutMs: number;
  readonly logger: Logger;
}

/** One database that connections are lent to. */
export interface ConnectionTarget {
  readonly cluster: string;
  /** Absent: the cluster's default database. */
  readonly database: string | undefined;
  readonly config: () => ClientConfig | Promise<ClientConfig>;
}

interface Connection {
  readonly target: ConnectionTarget;
  readonly client: Client;
  readonly loan: PostgresPoolClient;
  loans: number;
  idleSince: number;
  /** The server cut it, or it sits on a server that became read-only. */
  lost: boolean;
}

interface Waiter {
  take(connection: Connection): void;
  refuse(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Lends connections to many databases and never holds more than `maxConnections` of them open, counting those that open or close.
 *
 * A loan is served by an idle connection to its database; else by a new one, if the budget has room; else the connection idle for longest, to
 * whichever database, closes first and makes room; else it waits. Waiting loans of one database are served in their order, the databases
 * in turn. A connection goes back with its loan, and is closed instead when it was lost, or was left inside a transaction.
 */
export class ConnectionBudget implements AsyncDisposable {
  readonly #options: ConnectionBudgetOptions;
  /** Databases with waiting loans; the first is the next in turn. */
  readonly #waiting = new Map<ConnectionTarget, Waiter[]>();
  /** Idle for longest first. */
  readonly #idle = new Set<Connection>();
  #open = 0;
  #closing = 0;
  #sweep: NodeJS.Timeout | undefined;
  #disposed: PromiseWithResolvers<void> | undefined;

  constructor(options: ConnectionBudgetOptions) {
    this.#options = options;
  }

  /** What Kysely takes for a pool. Its `end` does nothing: connections end with the budget. */
  pool(target: ConnectionTarget): PostgresPool {
    return { options: {}, connect: () => this.#borrow(target), end: async () => {} };
  }

  /** Refuses waiting and later loans, waits for those that are out, and closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= Promise.withResolvers();
    clearTimeout(this.#sweep);
    for (const target of [...this.#waiting.keys()]) {
      for (let waiter = this.#next(target); waiter; waiter = this.#next(target))
        waiter.refuse(new ResultsDatabasesClosedError());
    }
    for (const connection of this.#idle) void this.#close(connection);
    if (this.#open > 0) await this.#disposed.promise;
  }

  async #borrow(target: ConnectionTarget): Promise<PostgresPoolClient> {
    if (this.#disposed) throw new ResultsDatabasesClosedError();
    const { promise, resolve: take, reject: refuse } = Promise.withResolvers<Connection>();
    const { waitTimeoutMs, maxConnections } = this.#options;
    const timer = setTimeout(() => {
      this.#leave(target, waiter);
      refuse(new ConnectionsBusyError({ waitedMs: waitTimeoutMs, maxConnections }));
    }, waitTimeoutMs);
    const waiter: Waiter = { take, refuse, timer };
    const waiters = this.#waiting.get(target);
    if (waiters) waiters.push(waiter);
    else this.#waiting.set(target, [waiter]);
    this.#serve();
    return (await promise).loan;
  }

  /** Hands out what there is: idle connections, room in the budget, or the place of what has been idle for longest. */
  #serve(): void {
    for (const connection of this.#idle) {
      const waiter = this.#next(connection.target);
      if (waiter === undefined) continue;
      this.#idle.delete(connection);
      connection.loans++;
      waiter.take(connection);
    }
    for (const target of this.#waiting.keys()) {
      if (this.#open >= this.#options.maxConnections) break;
      const waiter = this.#next(target);
      if (waiter) void this.#connect(target, waiter);
    }
    let unserved = -this.#closing;
    for (const waiters of this.#waiting.values()) unserved += waiters.length;
    for (const connection of this.#idle) {
      if (unserved-- <= 0) break;
      void this.#close(connection);
    }
  }

  /** Takes the next waiting loan of a database off the queue; the database goes behind the others. */
  #next(target: ConnectionTarget): Waiter | undefined {
    const waiters = this.#waiting.get(target);
    const waiter = waiters?.shift();
    this.#waiting.delete(target);
    if (waiters && waiters.length > 0) this.#waiting.set(target, waiters);
    clearTimeout(waiter?.timer);
    return waiter;
  }

  #leave(target: ConnectionTarget, waiter: Waiter): void {
    const waiters = this.#waiting.get(target)?.filter((other) => other !== waiter) ?? [];
    if (waiters.length > 0) this.#waiting.set(target, waiters);
    else this.#waiting.delete(target);
  }

  async #connect(target: ConnectionTarget, waiter: Waiter): Promise<void> {
    this.#open++;
    try {
      const client = new Client({ connectionTimeoutMillis: this.#options.waitTimeoutMs, ...(await target.config()) });
      // Without a listener an idle connection that the server cuts would end the process.
      let connection: Connection | undefined;
      client.on('error', (error) => connection && this.#lose(connection, error));
      await client.connect();
      connection = { target, client, loan: this.#loan(client, () => connection), loans: 1, idleSince: 0, lost: false };
      waiter.take(connection);
    } catch (cause) {
      this.#vacate();
      waiter.refuse(
        new ResultsDatabaseUnreachableError({
          cluster: target.cluster,
          database: target.database,
          reason: reasonOf(cause),
          cause,
        }),
      );
    }
  }

  #loan(client: Client, connection: () => Connection | undefined): PostgresPoolClient {
    const query = async (text: string, parameters: readonly unknown[]) => {
      try {
        return await sendQuery(client, text, parameters);
      } catch (error) {
        const lent = connection();
        // The loan may come back before the socket's end is noticed.
        if (lent && endsConnection(findSqlState(error))) lent.lost = true;
        throw error;
      }
    };
    return {
      // Cursors, the other overload, are asked for only with a cursor class, which the router does not pass.
      query: query as unknown as PostgresPoolClient['query'],
      release: (destroy = false) => {
        const lent = connection();
        if (lent) this.#take(lent, destroy);
      },
    };
  }

  /** A loan comes back. */
  #take(connection: Connection, destroy: boolean): void {
    const othersWait = this.#waiting.size > (this.#waiting.has(connection.target) ? 1 : 0);
    const spent = othersWait && connection.loans >= LOANS_WHILE_OTHERS_WAIT;
    if (destroy || spent || connection.lost || this.#disposed || connection.client.getTransactionStatus() !== 'I') {
      void this.#close(connection);
      return;
    }
    connection.idleSince = performance.now();
    this.#idle.add(connection);
    this.#serve();
    this.#sweepLater();
  }

  #lose(connection: Connection, error: Error): void {
    connection.lost = true;
    const { cluster, database } = connection.target;
    this.#options.logger.warn({ cluster, database, reason: reasonOf(error) }, 'a connection to a Results DB was lost');
    if (this.#idle.has(connection)) void this.#close(connection);
  }

  async #close(connection: Connection): Promise<void> {
    this.#idle.delete(connection);
    this.#closing++;
    // The place is free only when the server has let go; one that is lost answers with an error.
    await connection.client.end().catch(() => {});
    this.#closing--;
    this.#vacate();
  }

  #vacate(): void {
    this.#open--;
    if (this.#open === 0) this.#disposed?.resolve();
    this.#serve();
  }

  #sweepLater(): void {
    if (this.#sweep !== undefined || this.#idle.size === 0) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined;
      const since = performance.now() - this.#options.idleTimeoutMs;
      for (const connection of this.#idle) if (connection.idleSince <= since) void this.#close(connection);
      this.#sweepLater();
    }, this.#options.idleTimeoutMs);
    // Idle connections alone keep no process alive.
    this.#sweep.unref();
  }
}

/** No SQLSTATE is a broken socket, class 57P a server going down. After a failover a connection can sit on what is now a standby, for ever. */
function endsConnection(sqlState: string | undefined): boolean {
  return sqlState === undefined || sqlState === SQLSTATE.readOnlyTransaction || /^(08|57P)/.test(sqlState);
}

/** The code of a failed connection; never its message, which may hold what the host passed. */
function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return error instanceof Error ? error.name : 'unknown error';
}
