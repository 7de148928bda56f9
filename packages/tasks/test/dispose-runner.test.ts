import type { ArtifactStore, MetadataDatabase } from '@mad/core';
import { expect, test } from 'vitest';
import { createTaskRunner } from '../src/index.ts';

test('a runner that is disposed twice is disposed once', async () => {
  const runner = createTaskRunner({
    metadata: {} as MetadataDatabase,
    artifacts: {} as ArtifactStore,
    allowedOrigins: ['http://127.0.0.1:8080'],
  });
  const both = [runner[Symbol.asyncDispose](), runner[Symbol.asyncDispose]()];
  await expect(Promise.all(both)).resolves.toBeDefined();
  await expect(runner[Symbol.asyncDispose]()).resolves.toBeUndefined();
});
