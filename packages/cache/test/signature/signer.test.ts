import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactStore, createLocalArtifactStore, type JsonObject, newId, type TaskIdentity } from '@mad/core';
import { afterAll, expect, test } from 'vitest';
import { createSigner, digest, inputSignature, stepKey } from '../../src/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'mad-signer-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const orgId = newId();
const stored = createLocalArtifactStore({ folder });
const SMILES = 'chemical/x-daylight-smiles';

const task: TaskIdentity = {
  ...{ taskKey: 'dock', version: '1.0.0', interfaceDigest: 'a'.repeat(64), producer: null, architecture: null },
  ...{ determinism: 'exact', ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
};

/** Counts how often a file is read. */
function counted(): { readonly artifacts: ArtifactStore; readonly reads: string[] } {
  const reads: string[] = [];
  const get: ArtifactStore['get'] = (org, file) => {
    reads.push(file);
    return stored.get(org, file);
  };
  return { artifacts: { ...stored, get, put: stored.put.bind(stored) }, reads };
}

async function fileOf(text: string | Uint8Array, contentType: string) {
  const { digest: $artifact, sizeBytes } = await stored.put(orgId, text);
  return { $artifact, contentType, sizeBytes };
}

const PDB =
  'HEADER    TRANSFERASE                             18-AUG-03   1OYT\nREMARK 1\nATOM      1  N   ALA A   1\n';
const SAME = PDB.replace('REMARK 1\n', '').replace('18-AUG-03', '01-JAN-26').replaceAll('\n', '\r\n');

test('files that say the same to a reader of their format are one, and each is read once', async () => {
  const { artifacts, reads } = counted();
  const signer = createSigner({ artifacts });
  const [one, same, other] = [
    await fileOf(PDB, 'chemical/x-pdb'),
    await fileOf(SAME, 'Chemical/X-PDB; charset=utf-8'),
    await fileOf(PDB.replace('ALA', 'GLY'), 'chemical/x-pdb'),
  ];
  const keyOf = async (receptor: JsonObject) =>
    (await signer.identifyStep({ orgId, task, request: { receptor } })).cacheKey;
  const keys = await Promise.all([keyOf(one), keyOf(one), keyOf(same), keyOf(other)]);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).toBe(keys[0]);
  expect(keys[3]).not.toBe(keys[0]);
  expect(reads.toSorted()).toEqual([one.$artifact, same.$artifact, other.$artifact].toSorted());
  await keyOf({ ...one });
  expect(reads).toHaveLength(3);
});

test('the components name the file that was normalized', async () => {
  const signer = createSigner({ artifacts: stored });
  const receptor = await fileOf(PDB, 'chemical/x-pdb');
  const { keyComponents } = await signer.identifyStep({ orgId, task, request: { receptor, n: 1 } });
  const { parameters, exactDigests } = keyComponents as {
    parameters: JsonObject;
    exactDigests: Record<string, string>;
  };
  const signed = parameters.receptor as { $artifact: string; normalizedAs: string };
  expect(signed.normalizedAs).toBe('chemical/x-pdb');
  expect(exactDigests[signed.$artifact]).toBe(receptor.$artifact);
});

test('what the interface says of a place goes before what the caller says of the file', async () => {
  const signer = createSigner({ artifacts: stored });
  const keyOf = async (receptor: JsonObject, contentTypes: Record<string, string>) =>
    (await signer.identifyStep({ orgId, task: { ...task, contentTypes }, request: { receptors: [receptor] } }))
      .cacheKey;
  const [one, same] = [await fileOf(PDB, 'text/plain'), await fileOf(SAME, 'text/plain')];
  expect(await keyOf(one, {})).not.toBe(await keyOf(same, {}));
  const known = { '/receptors/-': 'chemical/x-pdb' };
  expect(await keyOf(one, known)).toBe(await keyOf(same, known));
});

test.each<[string, () => Promise<JsonObject>]>([
  ['that is not there', async () => ({ $artifact: 'd'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 1 })],
  ['that is no UTF-8', () => fileOf(Buffer.from('caf\xe9', 'latin1'), 'chemical/x-pdb')],
  ['of another content type', () => fileOf(PDB, 'application/octet-stream')],
])('a file %s counts by its exact digest', async (_what, make) => {
  const file = await make();
  const signer = createSigner({ artifacts: stored });
  expect(await signer.identifyStep({ orgId, task, request: { file } })).toMatchObject({
    cacheKey: stepKey({ task, request: { file } }).cacheKey,
  });
});

test('a file that comes later is read then', async () => {
  const signer = createSigner({ artifacts: stored });
  const file = { $artifact: digest(`${PDB}END\n`), contentType: 'chemical/x-pdb', sizeBytes: 1 };
  const keyOf = async () => (await signer.identifyStep({ orgId, task, request: { file } })).cacheKey;
  const exact = await keyOf();
  await stored.put(orgId, `${PDB}END\n`);
  expect(await keyOf()).not.toBe(exact);
});

test('a text is compared by its meaning where the interface says what it is, by its spelling elsewhere', async () => {
  const asked: string[] = [];
  const normalizers = {
    [SMILES]: async (text: string) => {
      asked.push(text);
      return { OCC: 'CCO', CCO: 'CCO' }[text];
    },
  };
  const signer = createSigner({ artifacts: stored, normalizers });
  const contentTypes = { '/smiles': SMILES, '/list/-': SMILES };
  const keyOf = async (request: JsonObject) =>
    (await signer.identifyStep({ orgId, task: { ...task, contentTypes }, request })).cacheKey;
  expect(await keyOf({ smiles: 'OCC' })).toBe(await keyOf({ smiles: 'CCO' }));
  expect(await keyOf({ list: ['OCC', 'nonsense'] })).toBe(await keyOf({ list: ['CCO', 'nonsense'] }));
  expect(await keyOf({ smiles: 'nonsense' })).not.toBe(await keyOf({ smiles: 'nonsense ' }));
  expect(await keyOf({ name: 'OCC' })).not.toBe(await keyOf({ name: 'CCO' }));
  expect(asked.toSorted()).toEqual(['CCO', 'OCC', 'nonsense', 'nonsense ']);
});

test('what a request says of itself is never what a normalized file or text is', async () => {
  const normalizers = { [SMILES]: (text: string) => (text.startsWith('X') ? `RAW${text.slice(1)}` : undefined) };
  const signer = createSigner({ artifacts: stored, normalizers });
  const contentTypes = { '/smiles': SMILES };
  const sign = (request: JsonObject) => signer.identifyStep({ orgId, task: { ...task, contentTypes }, request });
  for (const rest of ['', 'x'.repeat(1_020), 'x'.repeat(5_000)]) {
    const one = await sign({ smiles: `X${rest}` });
    const exact = await sign({ smiles: `RAW${rest}` });
    expect(exact.cacheKey, `${rest.length} characters more`).not.toBe(one.cacheKey);
    const { smiles = null } = one.keyComponents.parameters as JsonObject;
    expect((await sign({ smiles })).cacheKey, 'written by the request').not.toBe(one.cacheKey);
  }
  const file = await sign({ file: await fileOf(PDB, 'chemical/x-pdb') });
  const { file: written = null } = file.keyComponents.parameters as JsonObject;
  expect(written).toMatchObject({ normalizedAs: 'chemical/x-pdb' });
  expect((await sign({ file: written })).cacheKey).not.toBe(file.cacheKey);
});

test('a file that is ignored is not read', async () => {
  const { artifacts, reads } = counted();
  const file = await fileOf(PDB, 'chemical/x-pdb');
  const ignoring = { ...task, ignoredPointers: ['/file'] };
  await createSigner({ artifacts }).identifyStep({ orgId, task: ignoring, request: { file } });
  expect(reads).toEqual([]);
});

test('inputs of a job count as normalized by their own content types', async () => {
  const signer = createSigner({ artifacts: stored, salt: 's' });
  const sign = async (receptor: JsonObject) =>
    signer.identifyJob({ orgId, spec: {}, tasks: [task], inputs: { receptor }, parameters: {} });
  const [one, same] = [await fileOf(PDB, 'chemical/x-pdb'), await fileOf(SAME, 'chemical/x-pdb')];
  expect((await sign(one)).cacheKey).toBe((await sign(same)).cacheKey);
  expect((await sign(one)).inputSignature).not.toBe(inputSignature({ inputs: { receptor: one }, parameters: {} }));
});
