import type { JsonObject, TaskIdentity } from '@mad/core';
import { expect, test } from 'vitest';
import { digest, inputSignature, jobKey, stepKey } from '../../src/index.ts';

const task: TaskIdentity = {
  taskKey: 'vina-dock',
  version: '1.2.0',
  interfaceDigest: 'a'.repeat(64),
  producer: 'sha256:0123',
  determinism: 'seeded',
  architecture: 'linux/amd64',
  ignoredPointers: ['/cpu'],
  ignoredAnswerPointers: ['/log'],
  contentTypes: {},
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
    '4e50a10f380b9488f427c5c7cfdee3c1df8efab6e839c1adb8b0a1444c2b1501',
  );
  expect(stepKey({ task, request })).toMatchObject({
    inputSignature: '00ea54837f3277ae003da66465dfc850b9020061e719b2ee51f14a515043f31d',
    cacheKey: '1dc0522a04789c31c06a85aeda4fcbadf51ff03408cc97f96cec8a4c6fbe7670',
  });
  expect(jobKey(job)).toMatchObject({
    inputSignature: '4e50a10f380b9488f427c5c7cfdee3c1df8efab6e839c1adb8b0a1444c2b1501',
    cacheKey: 'd6d727dcc21e88dd18ae8f03ed723e54f4397d2b4a877c733479df8368f40c39',
  });
});

test('a signature is the digest of documented JSON', () => {
  expect(inputSignature({ inputs: { b: receptor, a: 1 }, parameters: { y: 20.0, x: -0 } })).toBe(
    digest(`{"inputs":{"a":1,"b":{"$artifact":"${'b'.repeat(64)}"}},"parameters":{"x":0,"y":20},"version":3}`),
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
    { ...task, architecture: null },
    { ...task, architecture: 'linux/arm64' },
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

test('- stands for any index, unless that index is named itself', () => {
  const boxes = (...labels: string[]) => ({ boxes: labels.map((label) => ({ size: 1, label })) });
  expect(keyOf(boxes('x', 'y'), ['/boxes/-/label'])).toBe(keyOf(boxes('a', 'b'), ['/boxes/-/label']));
  expect(keyOf(boxes('x'), ['/boxes/-/label'])).not.toBe(keyOf(boxes('x', 'y'), ['/boxes/-/label']));
  const named = ['/boxes/-/label', '/boxes/0/size'];
  expect(keyOf(boxes('x', 'y'), named)).toBe(keyOf(boxes('x', 'z'), named));
  expect(keyOf(boxes('x', 'y'), named)).not.toBe(keyOf(boxes('z', 'y'), named));
  expect(keyOf({ map: { '-': 1, a: 1 } }, ['/map/-'])).not.toBe(keyOf({ map: { '-': 1, a: 2 } }, ['/map/-']));
});

test('what is ignored must be plain JSON all the same', () => {
  expect(() => keyOf({ cpu: Number.NaN })).toThrow(/\/cpu, got NaN/);
});

test('an object that says more than which file it is counts whole', () => {
  const extended = (chain: string) => keyOf({ receptor: { ...receptor, chain } });
  expect(extended('A')).not.toBe(extended('B'));
});

const TEXT = `ATOM ${'x'.repeat(2000)}`;

test.each<[string, JsonObject]>([
  ['digest alone', { $artifact: digest(TEXT) }],
  ['digest and size', { $artifact: digest(TEXT), sizeBytes: TEXT.length }],
  ['digest and content type', { $artifact: digest(TEXT), contentType: 'text/plain' }],
])('an object that gives its %s is no file: it is neither the text nor the file of that digest', (_what, object) => {
  const file = { $artifact: digest(TEXT), contentType: 'text/plain', sizeBytes: TEXT.length };
  const keys = [TEXT, file, object].map((any) => keyOf({ any }));
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

test('what a request writes itself never reads as what stands for something else', () => {
  const signed = (any: JsonObject) => stepKey({ task, request: { any } }).keyComponents.parameters;
  for (const mark of ['$artifact', '$text', '$plain'])
    expect(signed({ a: 1, [mark]: 'x', more: undefined })).toEqual({ any: { $plain: { a: 1, [mark]: 'x' } } });
  expect(signed({ $plain: { $artifact: 'x' } })).toEqual({
    any: { $plain: { $plain: { $plain: { $artifact: 'x' } } } },
  });
  expect(signed({ $artifact: undefined, a: 1 })).toEqual({ any: { a: 1 } });
  expect(keyOf({ any: { $artifact: 1, a: 1 } }, ['/any/$artifact'])).toBe(keyOf({ any: { a: 1 } }, ['/any/$artifact']));
});

test('how many items there are counts, though all of them are ignored', () => {
  const seeds = (...seeds: number[]) => keyOf({ seeds }, ['/seeds/-']);
  expect(seeds(1, 2, 3)).toBe(seeds(4, 5, 6));
  expect(new Set([seeds(), seeds(1), seeds(1, 2), seeds(1, 2, 3)]).size).toBe(4);
});

test('ignored indices are those of the request, not of what is left of it', () => {
  const ignoring = ['/seeds/0', '/seeds/1'];
  expect(keyOf({ seeds: [1, 2, 3] }, ignoring)).toBe(keyOf({ seeds: [7, 8, 3] }, ignoring));
  expect(keyOf({ seeds: [1, 2, 3] }, ignoring)).not.toBe(keyOf({ seeds: [1, 2, 4] }, ignoring));
  expect(keyOf({ seeds: [1] }, ['/seeds', '/seeds/1'])).toBe(keyOf({ seeds: [2] }, ['/seeds/1', '/seeds']));
  const { keyComponents } = stepKey({ task: { ...task, ignoredPointers: ignoring }, request: { seeds: [1, 2, 3] } });
  expect(keyComponents.parameters).toEqual({ seeds: [null, null, 3] });
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
    version: 3,
    kind: 'step',
    determinism: 'seeded',
    task: {
      taskKey: 'vina-dock',
      version: '1.2.0',
      interfaceDigest: 'a'.repeat(64),
      producer: 'sha256:0123',
      architecture: 'linux/amd64',
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
