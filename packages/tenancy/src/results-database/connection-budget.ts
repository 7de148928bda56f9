import { findSqlState, type Logger, SQLSTATE, sendQuery } from '@mad/core';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Client, type ClientConfig } from 'pg';
import { ConnectionsBusyError, ResultsDatabasesClosedError, ResultsDatabaseUnreachableError } from '../errors.ts';
import { reasonOf } from './reason-of.ts';

/** While other databases wait, a connection is lent this often before its place goes to one of them: reconnecting costs several queries. */
const LOANS_WHILE_OTHERS_WAIT = 20;
/** After a server had no place for one more connection it is asked again. */
const FULL_SERVER_PAUSE_MS = 200;

export interface ConnectionBudgetOptions {
  readonly maxConnections: number;
  /** Of `maxConnections`, at most to this cluster. */
  readonly maxConnectionsOf?: ((cluster: string) => number | undefined) | undefined;
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
  /** By `performance.now()`. */
  readonly until: number;
  timer?: NodeJS.Timeout;
}

/** The waiting loans of one organization, in their order. */
interface Line {
  readonly target: ConnectionTarget;
  readonly waiters: Waiter[];
}

/** What is open to one cluster. */
interface ClusterUse {
  readonly max: number;
  open: number;
  closing: number;
  /** The server had no place for one more: until this time it counts as full. */
  fullUntil: number;
}

/**
 * Lends connections to many databases and never holds more than `maxConnections` of them open, nor more to a cluster than it may take, counting those that
 * open or close.
 *
 * A loan is served by an idle connection to its database; else by a new one, if there is room; else the connection idle for longest, to whichever
 * database, closes first and makes room; else it waits. Waiting loans of one organization are served in their order, the organizations in turn, also
 * those that share a database. A connection goes back with its loan, and is closed instead when it was lost, or was left inside a transaction. A server
 * that has no place for one more makes a loan wait, as long as any may.
 */
export class ConnectionBudget implements AsyncDisposable {
  readonly #options: ConnectionBudgetOptions;
  /** Lines with waiting loans; the first is the next in turn. */
  readonly #waiting = new Set<Line>();
  /** The same by database. */
  readonly #waitingFor = new Map<ConnectionTarget, Set<Line>>();
  readonly #clusters = new Map<string, ClusterUse>();
  /** Idle for longest first. */
  readonly #idle = new Set<Connection>();
  #open = 0;
  #closing = 0;
  #sweep: NodeJS.Timeout | undefined;
  #disposed: PromiseWithResolvers<void> | undefined;

  constructor(options: ConnectionBudgetOptions) {
    this.#options = options;
  }

  /** What Kysely takes for a pool, of one organization. Its `end` does nothing: connections end with the budget. */
  pool(target: ConnectionTarget): PostgresPool {
    const line: Line = { target, waiters: [] };
    return { options: {}, connect: () => this.#borrow(line), end: async () => {} };
  }

  /** Refuses waiting and later loans, waits for those that are out, and closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= Promise.withResolvers();
    clearTimeout(this.#sweep);
    for (const line of this.#waiting) {
      for (let waiter = this.#next(line); waiter; waiter = this.#next(line))
        waiter.refuse(new ResultsDatabasesClosedError());
    }
    for (const connection of this.#idle) void this.#close(connection);
    if (this.#open > 0) await this.#disposed.promise;
  }

  async #borrow(line: Line): Promise<PostgresPoolClient> {
    if (this.#disposed) throw new ResultsDatabasesClosedError();
    const { promise, resolve: take, reject: refuse } = Promise.withResolvers<Connection>();
    const waiter: Waiter = { take, refuse, until: performance.now() + this.#options.waitTimeoutMs };
    line.waiters.push(waiter);
    this.#join(line);
    this.#setTimer(line, waiter);
    this.#serve();
    return (await promise).loan;
  }

  #setTimer(line: Line, waiter: Waiter): void {
    const { waitTimeoutMs, maxConnections } = this.#options;
    waiter.timer = setTimeout(() => {
      const at = line.waiters.indexOf(waiter);
      if (at >= 0) line.waiters.splice(at, 1);
      if (line.waiters.length === 0) this.#leave(line);
      waiter.refuse(new ConnectionsBusyError({ waitedMs: waitTimeoutMs, maxConnections }));
    }, waiter.until - performance.now());
  }

  /** Hands out what there is: idle connections, room in the budget, or the place of what has been idle for longest. */
  #serve(): void {
    for (const connection of this.#idle) {
      const [line] = this.#waitingFor.get(connection.target) ?? [];
      const waiter = line && this.#next(line);
      if (waiter === undefined) continue;
      this.#idle.delete(connection);
      connection.loans++;
      waiter.take(connection);
    }
    for (const line of this.#waiting) {
      if (this.#open >= this.#options.maxConnections) break;
      if (this.#isFull(line.target.cluster)) continue;
      const waiter = this.#next(line);
      if (waiter) void this.#connect(line, waiter);
    }
    this.#makeRoom();
  }

  /** Closes idle connections where somebody waits for their place. */
  #makeRoom(): void {
    if (this.#waiting.size === 0 || this.#idle.size === 0) return;
    const unserved = new Map<string, number>();
    let others = -this.#closing;
    for (const { target, waiters } of this.#waiting) {
      if (!this.#isFull(target.cluster)) others += waiters.length;
      else
        unserved.set(
          target.cluster,
          (unserved.get(target.cluster) ?? -this.#use(target.cluster).closing) + waiters.length,
        );
    }
    for (const connection of this.#idle) {
      const { cluster } = connection.target;
      const ofCluster = unserved.get(cluster) ?? 0;
      if (ofCluster > 0) unserved.set(cluster, ofCluster - 1);
      else if (others-- <= 0) continue;
      void this.#close(connection);
    }
  }

  #use(cluster: string): ClusterUse {
    const known = this.#clusters.get(cluster);
    if (known) return known;
    const max = this.#options.maxConnectionsOf?.(cluster) ?? this.#options.maxConnections;
    const made = { max, open: 0, closing: 0, fullUntil: 0 };
    this.#clusters.set(cluster, made);
    return made;
  }

  #isFull(cluster: string): boolean {
    const { open, max, fullUntil } = this.#use(cluster);
    return open >= max || performance.now() < fullUntil;
  }

  /** Takes the next waiting loan of a line; the line goes behind the others. */
  #next(line: Line): Waiter | undefined {
    const waiter = line.waiters.shift();
    clearTimeout(waiter?.timer);
    this.#leave(line);
    if (line.waiters.length > 0) this.#join(line);
    return waiter;
  }

  #join(line: Line): void {
    this.#waiting.add(line);
    const lines = this.#waitingFor.get(line.target);
    if (lines) lines.add(line);
    else this.#waitingFor.set(line.target, new Set([line]));
  }

  #leave(line: Line): void {
    this.#waiting.delete(line);
    const lines = this.#waitingFor.get(line.target);
    lines?.delete(line);
    if (lines?.size === 0) this.#waitingFor.delete(line.target);
  }

  async #connect(line: Line, waiter: Waiter): Promise<void> {
    const { target } = line;
    const use = this.#use(target.cluster);
    this.#open++;
    use.open++;
    try {
      const client = new Client({ connectionTimeoutMillis: this.#options.waitTimeoutMs, ...(await target.config()) });
      // Without a listener an idle connection that the server cuts would end the process.
      let connection: Connection | undefined;
      client.on('error', (error) => connection && this.#lose(connection, error));
      await client.connect();
      connection = { target, client, loan: this.#loan(client, () => connection), loans: 1, idleSince: 0, lost: false };
      waiter.take(connection);
    } catch (cause) {
      if (findSqlState(cause) === SQLSTATE.tooManyConnections && !this.#disposed) this.#waitForPlace(line, waiter);
      else this.#refuse(target, waiter, cause);
      this.#vacate(target);
    }
  }

  /** Others hold the server's places: whoever was next stays next, until its time is over. */
  #waitForPlace(line: Line, waiter: Waiter): void {
    const { cluster } = line.target;
    this.#use(cluster).fullUntil = performance.now() + FULL_SERVER_PAUSE_MS;
    setTimeout(() => this.#serve(), FULL_SERVER_PAUSE_MS + 1);
    this.#options.logger.warn({ cluster }, 'a cluster has no place for one more connection; the query waits');
    line.waiters.unshift(waiter);
    this.#join(line);
    this.#setTimer(line, waiter);
  }

  #refuse({ cluster, database }: ConnectionTarget, waiter: Waiter, cause: unknown): void {
    waiter.refuse(new ResultsDatabaseUnreachableError({ cluster, database, reason: reasonOf(cause), cause }));
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
    const othersWait = this.#waitingFor.size > (this.#waitingFor.has(connection.target) ? 1 : 0);
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
    const use = this.#use(connection.target.cluster);
    this.#idle.delete(connection);
    this.#closing++;
    use.closing++;
    // The place is free only when the server has let go; one that is lost answers with an error.
    await connection.client.end().catch(() => {});
    this.#closing--;
    use.closing--;
    this.#vacate(connection.target);
  }

  #vacate({ cluster }: ConnectionTarget): void {
    this.#open--;
    this.#use(cluster).open--;
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
