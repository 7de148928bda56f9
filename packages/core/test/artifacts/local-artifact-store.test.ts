import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalArtifactStore } from '../../src/artifacts/create-local-artifact-store.ts';
import { readArtifactText } from '../../src/artifacts/read-artifact-text.ts';
import { newId } from '../../src/ids.ts';
import type { ArtifactStore } from '../../src/ports/artifact-store.ts';

let folder: string;
let store: ArtifactStore;
const orgId = newId();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mad-artifacts-'));
  store = createLocalArtifactStore({ folder });
});
afterEach(() => rm(folder, { recursive: true }));

test('bytes come back under their SHA-256, however they went in', async () => {
  const digest = createHash('sha256').update('ATOM').digest('hex');
  for (const content of [
    'ATOM',
    Buffer.from('ATOM'),
    (async function* () {
      yield Buffer.from('AT');
      yield Buffer.from('OM');
    })(),
  ]) {
    expect(await store.put(orgId, content)).toEqual({ digest, sizeBytes: 4 });
  }
  expect(await readArtifactText(store, { orgId, digest })).toBe('ATOM');
  const found = await store.head(orgId, digest);
  expect(found).toEqual({ ...{ digest, sizeBytes: 4 }, storedAt: expect.any(Date), version: expect.any(String) });
  await store.put(orgId, 'ATOM');
  expect((await store.head(orgId, digest))?.version, 'bytes that were put again are another version').not.toBe(
    found?.version,
  );
  expect(await Array.fromAsync(store.list(orgId))).toEqual([{ digest, sizeBytes: 4 }]);
});

test('an organization sees only its own artifacts', async () => {
  const { digest } = await store.put(orgId, 'ATOM');
  const other = newId();
  expect(await store.head(other, digest)).toBeUndefined();
  await expect(store.get(other, digest)).rejects.toThrow(/was not found in this organization/);
  expect(await Array.fromAsync(store.list(other))).toEqual([]);
});

test('no digest and no organization id leads out of the folder of the organization', async () => {
  const other = newId();
  const { digest } = await store.put(other, 'secret');
  const crafted = `../${other}/sha256/${digest.slice(0, 2)}/${digest}`;
  expect(await store.head(orgId, crafted)).toBeUndefined();
  await expect(store.get(orgId, crafted)).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
  await expect(store.delete(orgId, crafted)).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
  const outside = `x/../${other}`;
  await expect(store.get(outside, digest)).rejects.toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
  await expect(store.put(outside, 'mine')).rejects.toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
  await expect(Array.fromAsync(store.list(outside))).rejects.toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
  expect(await readArtifactText(store, { orgId: other, digest })).toBe('secret');
});

test('content that breaks off leaves nothing behind', async () => {
  const broken = (async function* () {
    yield Buffer.from('AT');
    throw new RangeError('connection lost');
  })();
  await expect(store.put(orgId, broken)).rejects.toThrow();
  expect((await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())).toEqual(
    [],
  );
});

test('bytes that changed on disk are told, not read', async () => {
  const { digest } = await store.put(orgId, 'ATOM');
  await writeFile(join(folder, orgId, 'sha256', digest.slice(0, 2), digest), 'ATON');
  await expect(readArtifactText(store, { orgId, digest })).rejects.toMatchObject({ code: 'MAD_CORE_ARTIFACT_CORRUPT' });
});
