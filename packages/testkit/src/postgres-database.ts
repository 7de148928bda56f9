import { randomBytes } from 'node:crypto';
import { connectPostgres } from '@mad/core';
import type { Kysely } from 'kysely';
import { Client } from 'pg';
import type { DatabaseTemplate } from './database-template.ts';

export interface TestDatabase<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  /** Connection string, for other pools and processes. */
  readonly url: string;
}

/** A database of its own on the run's real server, cloned from its template. Disposing drops it. */
export async function createPostgresDatabase<Tables = unknown>(
  template?: DatabaseTemplate<Tables>,
): Promise<TestDatabase<Tables>> {
  const admin = process.env.MAD_TEST_DATABASE_URL;
  if (!admin)
    throw new Error(
      'no server: run tests through vitest, whose global set-up starts one, or set MAD_TEST_DATABASE_URL',
    );
  const name = `mad_test_${randomBytes(8).toString('hex')}`;
  const source = template ? await provideTemplate(admin, template) : 'template1';
  await withClient(admin, (client) => client.query(`create database ${name} template ${source}`));
  const url = at(admin, name);
  const db = open<Tables>(url);
  return {
    db,
    url,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await withClient(admin, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

async function provideTemplate<Tables>(admin: string, { name, fill }: DatabaseTemplate<Tables>): Promise<string> {
  // The parent process's id tells one run's templates from those a killed run left on a server of the user's own.
  const template = `mad_template_${name}_${process.ppid}`;
  await withClient(admin, async (client) => {
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [template]);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (rowCount) return;
    const draft = `${template}_draft`;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    const db = open<Tables>(at(admin, draft));
    await fill(db).finally(() => db.destroy());
    await client.query(`alter database ${draft} rename to ${template}`);
  });
  return template;
}

function open<Tables>(connectionString: string): Kysely<Tables> {
  return connectPostgres({ connectionString, max: 10 }) as Kysely<unknown> as Kysely<Tables>;
}

async function withClient<T>(connectionString: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function at(url: string, database: string): string {
  return url.replace(/\/[^/?]*(\?|$)/, `/${database}$1`);
}
