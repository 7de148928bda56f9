import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inAllOrganizations, type MetadataDatabase, migrateMetadata } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { runMad } from '../../src/index.ts';

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a person or a pipe gives a command; nobody sits there where neither is given. */
export interface Typed {
  readonly answer?: string;
  /** One for each time that a secret is asked for. */
  readonly secrets?: readonly string[];
  /** On standard input. */
  readonly input?: string;
}

/** A platform without organizations, and `mad` on it. */
export interface TestPlatform extends AsyncDisposable {
  readonly metadata: MetadataDatabase;
  readonly folder: string;
  mad(args: readonly string[], typed?: Typed): Promise<Printed & { readonly asked: readonly string[] }>;
}

export async function openTestPlatform(): Promise<TestPlatform> {
  await using made = new AsyncDisposableStack();
  const database = made.use(await createPostgresDatabase({ name: 'cli_metadata', fill: migrateMetadata }));
  const metadata = database.db as unknown as MetadataDatabase;
  made.defer(async () => {
    const places = await inAllOrganizations(metadata, (tx) =>
      tx.selectFrom('org_databases').select('database_name').where('database_name', 'is not', null).execute(),
    );
    for (const { database_name } of places)
      await sql`drop database if exists ${sql.id(database_name ?? '')} with (force)`.execute(metadata);
  });
  const folder = await mkdtemp(join(tmpdir(), 'mad-cli-org-'));
  made.defer(() => rm(folder, { recursive: true }));
  const stack = made.move();
  return {
    ...{ metadata, folder },
    async mad(args, { answer, secrets, input = '' } = {}) {
      const printed = { out: '', err: '', asked: [] as string[] };
      const code = await runMad(args, {
        env: { MAD_DATABASE_URL: database.url, MAD_CLUSTERS: `main=${database.url}` },
        out: (text) => {
          printed.out += text;
        },
        err: (text) => {
          printed.err += text;
        },
        readInput: async () => input,
        ...(secrets && {
          askSecret: async (question: string) => secrets[printed.asked.push(question) - 1] ?? '',
        }),
        ...(answer !== undefined && {
          ask: async (question: string) => {
            printed.asked.push(question);
            return answer;
          },
        }),
      });
      return { code, ...printed };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
