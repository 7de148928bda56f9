import { sendQuery } from '@mad/core';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Pool, type PoolClient } from 'pg';
import type { RandomCrash } from './random-case.ts';

export interface MortalDatabase extends AsyncDisposable {
  readonly db: Kysely<unknown>;
  /** True while every statement fails. */
  readonly isAway: boolean;
}

/** The statement of the executor's journal. */
const COMMIT = 'mad_commit_transitions';

/**
 * A database that goes away with a given statement: that one fails and so does every later one, open transactions are rolled back, and answers that
 * were on their way are lost. Where the statement is sent, the server has carried it out and only its answer is lost.
 */
export function openMortalDatabase(url: string, crash: RandomCrash, onAway: () => void): MortalDatabase {
  const pool = new Pool({ connectionString: url, max: 5 });
  pool.on('error', () => {});
  pool.on('connect', (client) => void client.on('error', () => {}));
  const lent = new Set<PoolClient>();
  let isAway = false;
  let count = 0;
  let epoch = 0;

  function leave(): void {
    isAway = true;
    epoch++;
    for (const client of lent) void client.end().catch(() => {});
    onAway();
    if (crash.healsAfterMs !== undefined) setTimeout(() => (isAway = false), crash.healsAfterMs);
  }

  async function query(
    client: PoolClient,
    { text, values, born }: { text: string; values: readonly unknown[]; born: number },
  ) {
    if (isAway || born !== epoch) throw lost();
    const isCounted = crash.counts === 'statements' || text.includes(COMMIT);
    const isLast = isCounted && ++count === crash.at;
    if (isLast && !crash.isSent) {
      leave();
      throw lost();
    }
    const answer = await sendQuery(client, text, values);
    if (isLast) leave();
    if (born !== epoch) throw lost();
    return answer;
  }

  function lend(client: PoolClient): PostgresPoolClient {
    const born = epoch;
    lent.add(client);
    return {
      query: ((text: string, values: readonly unknown[]) =>
        query(client, { text, values, born })) as unknown as PostgresPoolClient['query'],
      release() {
        lent.delete(client);
        client.release(born !== epoch);
      },
    };
  }

  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({
      pool: {
        options: pool.options,
        end: () => pool.end(),
        async connect() {
          if (isAway) throw lost();
          return lend(await pool.connect());
        },
      },
    }),
  });
  return {
    db,
    get isAway() {
      return isAway;
    },
    [Symbol.asyncDispose]: () => db.destroy(),
  };
}

const lost = () => Object.assign(new Error('the connection to the database was lost'), { code: 'ECONNRESET' });
