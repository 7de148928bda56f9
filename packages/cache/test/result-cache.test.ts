import { migrateResults, openResultsDatabase } from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { describe } from 'vitest';
import { describeResultCache } from './describe-result-cache.ts';

describe('on PGlite', () => {
  describeResultCache(async () => {
    const database = createPgliteDatabase();
    await migrateResults(database.db, { schema: 'acme' });
    return {
      results: openResultsDatabase(database.db, { schema: 'acme' }),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  });
});
