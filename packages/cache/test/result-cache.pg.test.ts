import { migrateResults, openResultsDatabase } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { describe } from 'vitest';
import { describeResultCache } from './describe-result-cache.ts';

describe('on PostgreSQL', () => {
  describeResultCache(async () => {
    const database = await createPostgresDatabase({
      name: 'cache_results',
      fill: (db: Kysely<unknown>) => migrateResults(db),
    });
    return {
      results: openResultsDatabase(database.db, { schema: 'public' }),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  });
});
