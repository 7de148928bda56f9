import type { JsonObject, TaskIdentity } from '@mad/core';
import { expect, test } from 'vitest';
import { digest, inputSignature, jobKey, stepKey } from '../../src/index.ts';

const task: TaskIdentity = {
  taskKey: 'vina-dock',
  version: '1.2.0',
  interfaceDigest: 'a'.repeat(64),
  producer: 'sha256:0123',
  determinism: 'seeded',
  ignoredPointers: ['/cpu'],
};
const receptor = { $artifact: 'b'.repeat(64), contentType: 'chemical/x-pdbqt', sizeBytes: 170_000 };
const request: JsonObject = {
  receptor,
  ligand: 'CCO',
  box: { center: [1, 2.5, -3], size: [20, 20, 20] },
  seed: 42,
  cpu: 2,
};
const job = {
  spec: { version: 1, tasks: [] },
  tasks: [task],
  inputs: { ligand: 'CCO', receptor },
  parameters: { seed: 42 },
};

const keyOf = (change: JsonObject, pointers = task.ignoredPointers) =>
  stepKey({ task: { ...task, ignoredPointers: pointers }, request: { ...request, ...change } }).cacheKey;

// Whoever changes one of these abandons every cache entry of every user: raise the version in the form, and write the new ones here.
test('the formats are fixed', () => {
  expect(inputSignature({ inputs: job.inputs, parameters: job.parameters })).toBe(
    '08d907f1b3ff2d1dc6691b0a1cfb8e35acd133854b55c3737e1d430bf45bb92a',
  );
  expect(stepKey({ task, request })).toMatchObject({
    inputSignature: 'c877332adb91ed722955761bf38b4da4ca2e0ab1182cde160d9ac7ff9a639308',
    cacheKey: 'cb068bfe53bc949009ccf4d903aa885bb0ad24a427e759395ad2fe399d3d4372',
  });
  expect(jobKey(job)).toMatchObject({
    inputSignature: '08d907f1b3ff2d1dc6691b0a1cfb8e35acd133854b55c3737e1d430bf45bb92a',
    cacheKey: 'c821b2433edcb66ab64e42b0d6a29ce65143791f6f6e00050a85cf35ad6e36d2',
  });
});

test('a signature is the digest of documented JSON', () => {
  expect(inputSignature({ inputs: { b: receptor, a: 1 }, parameters: { y: 20.0, x: -0 } })).toBe(
    digest(`{"inputs":{"a":1,"b":{"$artifact":"${'b'.repeat(64)}"}},"parameters":{"x":0,"y":20},"version":1}`),
  );
});

test('what cannot change the answer does not change the key', () => {
  const key = keyOf({});
  expect(stepKey({ task, request: Object.fromEntries(Object.entries(request).reverse()) }).cacheKey).toBe(key);
  expect(keyOf({ cpu: 8 })).toBe(key);
  expect(keyOf({ cpu: undefined })).toBe(key);
  expect(keyOf({ absent: undefined })).toBe(key);
  expect(keyOf({ receptor: { ...receptor, contentType: 'text/plain' } })).toBe(key);
});

test('everything else does', () => {
  const changes: JsonObject[] = [
    { seed: 43 },
    { seed: null },
    { seed: '42' },
    { seed: undefined },
    { ligand: 'OCC' },
    { receptor: { ...receptor, $artifact: 'c'.repeat(64) } },
    { box: { center: [1, 2.5, 3], size: [20, 20, 20] } },
    { box: { center: [1, 2.5, -3], size: [20, 20, 20], cpu: 2 } },
    { added: null },
  ];
  const tasks: TaskIdentity[] = [
    { ...task, taskKey: 'gnina-dock' },
    { ...task, version: '1.2.1' },
    { ...task, interfaceDigest: 'c'.repeat(64) },
    { ...task, producer: null },
    { ...task, determinism: 'exact' },
  ];
  const keys = [
    keyOf({}),
    keyOf({}, []),
    ...changes.map((change) => keyOf(change)),
    ...tasks.map((other) => stepKey({ task: other, request }).cacheKey),
    stepKey({ task, request, salt: 'after the recall' }).cacheKey,
    jobKey(job).cacheKey,
    jobKey({ ...job, spec: { version: 2, tasks: [] } }).cacheKey,
    jobKey({ ...job, tasks: [...job.tasks, task] }).cacheKey,
    jobKey({ ...job, inputs: { ...job.inputs, ligand: 'OCC' } }).cacheKey,
    jobKey({ ...job, parameters: { ...job.inputs, seed: 43 } }).cacheKey,
    jobKey({ ...job, inputs: job.parameters, parameters: job.inputs }).cacheKey,
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('a field is ignored by its place, never by its name', () => {
  const boxes = {
    boxes: [
      { size: 1, label: 'x' },
      { size: 1, label: 'y' },
    ],
  };
  const ignoring = ['/boxes/1/label', '/size'];
  expect(keyOf({ boxes: [boxes.boxes[0] ?? null, { size: 1, label: 'z' }] }, ignoring)).toBe(keyOf(boxes, ignoring));
  expect(keyOf({ boxes: [{ size: 1, label: 'z' }, boxes.boxes[1] ?? null] }, ignoring)).not.toBe(
    keyOf(boxes, ignoring),
  );
  expect(keyOf({ size_x: 1 }, ['/size'])).not.toBe(keyOf({ size_x: 2 }, ['/size']));
  expect(keyOf({ 'a/b': { '~': 1 } }, ['/a~1b/~0'])).toBe(keyOf({ 'a/b': { '~': 2 } }, ['/a~1b/~0']));
});

test('ignored indices are those of the request, not of what is left of it', () => {
  const ignoring = ['/seeds/0', '/seeds/1'];
  expect(keyOf({ seeds: [1, 2, 3] }, ignoring)).toBe(keyOf({ seeds: [7, 8, 3] }, ignoring));
  expect(keyOf({ seeds: [1, 2, 3] }, ignoring)).not.toBe(keyOf({ seeds: [1, 2, 4] }, ignoring));
  expect(keyOf({ seeds: [1] }, ['/seeds', '/seeds/1'])).toBe(keyOf({ seeds: [2] }, ['/seeds/1', '/seeds']));
  const { keyComponents } = stepKey({ task: { ...task, ignoredPointers: ignoring }, request: { seeds: [1, 2, 3] } });
  expect(keyComponents.parameters).toEqual({ seeds: [3] });
});

test('a long text and an artifact of the same bytes are the same content', () => {
  const text = `ATOM ${'x'.repeat(2000)}`;
  const reference = { $artifact: digest(text), contentType: 'chemical/x-pdbqt', sizeBytes: text.length };
  expect(keyOf({ receptor: text })).toBe(keyOf({ receptor: reference }));
  expect(keyOf({ receptor: `${text} ` })).not.toBe(keyOf({ receptor: text }));
});

test('the key components tell all that went into a key', () => {
  const { keyComponents } = stepKey({ task, request, salt: 's' });
  expect(keyComponents).toEqual({
    version: 1,
    kind: 'step',
    determinism: 'seeded',
    task: {
      taskKey: 'vina-dock',
      version: '1.2.0',
      interfaceDigest: 'a'.repeat(64),
      producer: 'sha256:0123',
      determinism: 'seeded',
    },
    salt: 's',
    inputs: {},
    parameters: {
      receptor: { $artifact: 'b'.repeat(64) },
      ligand: 'CCO',
      box: { center: [1, 2.5, -3], size: [20, 20, 20] },
      seed: 42,
    },
  });
});

test('a job is as repeatable as its weakest task', () => {
  const determinismOf = (...of: TaskIdentity['determinism'][]) =>
    jobKey({ ...job, tasks: of.map((determinism) => ({ ...task, determinism })) }).keyComponents.determinism;
  expect(determinismOf('exact', 'exact')).toBe('exact');
  expect(determinismOf('exact', 'seeded')).toBe('seeded');
  expect(determinismOf('stochastic', 'seeded')).toBe('stochastic');
  expect(determinismOf('exact', 'external', 'stochastic')).toBe('external');
});
