import { type MetadataDatabase, migrateMetadata } from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { afterAll, expect, test } from 'vitest';
import { PlacementUnsupportedError, provisionOrganization } from '../../src/index.ts';
import { describeProvisioning } from './describe-provisioning.ts';

const database = createPgliteDatabase();
const metadata = database.db as unknown as MetadataDatabase;
const clusters = { main: { kind: 'pglite', db: database.db } } as const;
afterAll(() => database[Symbol.asyncDispose]());

describeProvisioning({ placement: 'schema', on: 'pglite' }, async () => {
  await migrateMetadata(database.db);
  return { metadata, clusters };
});

test('PGlite holds no databases of their own', async () => {
  const provisioning = provisionOrganization(
    { metadata, clusters },
    { name: 'Alone', placement: 'database', cluster: 'main' },
  );
  await expect(provisioning).rejects.toThrow(PlacementUnsupportedError);
});
