import { createHmac, hkdfSync } from 'node:crypto';
import { newId, type OrgId } from '@mad/core';
import { expect, test } from 'vitest';
import { createSealer, type SealedEntry } from '../../src/entry/seal.ts';

const SECRET = 'a secret of thirty-two bytes or more';
const entryOf = (producer: string): SealedEntry => ({
  ...{ cache_key: 'a'.repeat(64), task_name: 'dock', canonical_job_id: newId(), confidence_score: 0.5, producer },
  ...{ determinism: 'seeded', artifact_map: '{}', artifact_sizes: '{}', input_signature: null, content_digest: null },
});

test('a seal is HMAC-SHA-256 under the key of the organization, whatever was sealed before under another', () => {
  const sealer = createSealer(SECRET);
  const orgIds = [newId(), newId()] as const;
  const entries = ['{}', 'ä'.repeat(8_000), 'a'.repeat(20_000), '€'.repeat(5_000), '{"a": 1}'].map(entryOf);
  for (const entry of entries) {
    for (const orgId of orgIds) {
      const seal = sealer.seal(orgId, entry);
      const key = Buffer.from(hkdfSync('sha256', SECRET, '', `mad/cache/seal/1/${orgId}`, 32));
      const expected = createHmac('sha256', key).update(textOf(entry)).digest('base64url');
      expect(seal.split('.').at(-1)).toBe(expected);
      expect(sealer.judge(orgId, { ...entry, seal })).toBe('sound');
      expect(createSealer(SECRET).judge(orgId, { ...entry, seal })).toBe('sound');
      for (const other of orgIds.filter((one) => one !== orgId))
        expect(sealer.judge(other, { ...entry, seal })).toBe('foreign');
    }
  }
});

test('any number of organizations costs a bounded amount of memory', () => {
  const sealer = createSealer(SECRET);
  const entry = entryOf('{}');
  const orgId = newId();
  const seal = sealer.seal(orgId, entry);
  const sealMany = (count: number) => {
    for (let n = 0; n < count; n++) sealer.seal(`org ${n}` as OrgId, entry);
  };
  sealMany(10_000);
  const { heapUsed, external } = process.memoryUsage();
  sealMany(15_000);
  const grown = process.memoryUsage();
  expect(grown.external - external).toBeLessThan(10_000_000);
  expect(grown.heapUsed - heapUsed).toBeLessThan(100_000_000);
  expect(sealer.judge(orgId, { ...entry, seal }), 'its key is derived again').toBe('sound');
});

/** As the format says, written down once more. */
function textOf(entry: SealedEntry): string {
  const parts = [
    ...[entry.cache_key, entry.task_name, entry.canonical_job_id, String(entry.confidence_score), entry.determinism],
    ...[entry.artifact_map, entry.artifact_sizes, entry.producer, entry.input_signature, entry.content_digest],
  ];
  return parts.map((text) => (text === null ? '-' : `${text.length}:${text}`)).join('');
}
