import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { ValidationFailedError } from '../../src/errors.ts';
import { parsePipelineSpec, parsePublishedSpec, pipelineSpecJsonSchema } from '../../src/pipeline/pipeline-spec.ts';

const a = { name: 'a', task: 'prepare@^1' };
const from = (pointer: string) => ({ from: pointer });
const full = {
  version: 1,
  inputs: { type: 'object', properties: { library: { type: 'string', contentMediaType: 'text/plain' } } },
  parameters: { type: 'object', properties: { rescore: { type: 'boolean', default: false } } },
  tasks: [
    a,
    {
      name: 'dock',
      task: 'dock@^1.0',
      dependsOn: ['a'],
      inputs: { ligand: from('/item/pdbqt'), all: from('/item'), box: from('/steps/a/output/box') },
      parameters: { num_modes: 9 },
      when: {
        any: [{ from: '/parameters/rescore', equals: true }, { not: { from: '/steps/a/output/box', exists: false } }],
      },
      forEach: { items: from('/steps/a/output/ligands'), key: '/id', concurrency: 4, onItemFailure: 'skip' },
      onFailure: 'continue',
      retry: { attempts: 5 },
      timeoutMs: 60_000,
      cache: 'off',
    },
  ],
  timeoutMs: 3_600_000,
  outputs: { log: from('/steps/a/output/log') },
  docking: { poses: from('/steps/dock/output') },
};
const withStep = (step: object) => ({ version: 1, tasks: [{ ...a, ...step }] });
const issuesOf = (value: unknown) => {
  try {
    parsePipelineSpec(value);
    return [];
  } catch (error) {
    if (!(error instanceof ValidationFailedError)) throw error;
    return error.issues.map(({ pointer, message }) => `${pointer} ${message}`);
  }
};

test('a spec in full is kept as it is, one in short gets its defaults', () => {
  expect(parsePipelineSpec(full)).toMatchObject({
    ...full,
    tasks: [a, { ...full.tasks[1], retry: { attempts: 5, backoffMs: 1_000 } }],
  });
  expect(parsePipelineSpec({ version: 1, tasks: [a] })).toStrictEqual({
    version: 1,
    cache: { suspicious: 'recompute' },
    inputs: { type: 'object', properties: {} },
    parameters: { type: 'object', properties: {} },
    outputs: {},
    tasks: [
      {
        ...a,
        dependsOn: [],
        inputs: {},
        parameters: {},
        onFailure: 'fail',
        retry: { attempts: 3, backoffMs: 1_000, jitter: 0.5 },
        timeoutMs: 3_600_000,
        cache: 'use',
      },
    ],
  });
});

const refused: readonly [object, RegExp][] = [
  [
    withStep({ inputs: { x: from('/item/x') } }),
    /^\/tasks\/0\/inputs expected no \/item here: only a step with forEach has one$/,
  ],
  [
    withStep({ inputs: { x: from('/items/x') } }),
    /^\/tasks\/0\/inputs\/x\/from expected a JSON Pointer such as .*with forEach, \/item\/smiles$/,
  ],
  [withStep({ forEach: { items: from('/item') } }), /^\/tasks\/0\/forEach\/items\/from expected a JSON Pointer/],
  [
    withStep({ forEach: { items: from('/inputs/x'), key: 'id' } }),
    /^\/tasks\/0\/forEach\/key expected a JSON Pointer into an item/,
  ],
  [withStep({ forEach: { items: from('/inputs/x'), concurrency: 0 } }), /^\/tasks\/0\/forEach\/concurrency /],
  [withStep({ forEach: {} }), /^\/tasks\/0\/forEach\/items /],
  [withStep({ onFailure: 'ignore' }), /^\/tasks\/0\/onFailure /],
  [withStep({ when: { all: [{ from: '/inputs/x', above: '1' }] } }), /^\/tasks\/0\/when\/all\/0\/above /],
  [
    withStep({ when: { from: '/inputs/x', not: { from: '/inputs/x', exists: true } } }),
    /^\/tasks\/0\/when expected \{ from \} with one of/,
  ],
  [withStep({ dependsOn: ['b', 5] }), /^\/tasks\/0\/dependsOn\/1 expected the name of a step$/],
  [withStep({ dependsOn: 'b' }), /^\/tasks\/0\/dependsOn expected a list of step names$/],
  [withStep({ retries: 5 }), /^\/tasks\/0 Unrecognized key: "retries"$/],
  [withStep({ parameters: [] }), /^\/tasks\/0\/parameters expected a JSON object$/],
  [{ version: 1, tasks: [a], timeoutMs: 0 }, /^\/timeoutMs /],
  [{ version: 1, tasks: [a], outputs: { 'a/b~': from('/item') } }, /^\/outputs\/a~1b~0\/from expected a JSON Pointer/],
  [{ version: 2, tasks: [a] }, /^\/version /],
  [{ version: 1, tasks: [] }, /^\/tasks /],
];

test.each(refused)('%j is refused, with its place', (spec, issue) => {
  expect(issuesOf(spec)).toEqual([expect.stringMatching(issue)]);
});

test('the published JSON Schema is one, and agrees with the parser', () => {
  const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(pipelineSpecJsonSchema());
  expect(validate(full), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ version: 1, tasks: [a] })).toBe(true);
  // Which step a binding stands in is a rule that only the parser knows.
  const agreed = refused.filter(([, issue]) => !issue.source.includes('expected no'));
  for (const [spec] of agreed) expect(validate(spec), JSON.stringify(spec)).toBe(false);
});

test('a spec with a slip in each of its many steps is told of a thousand', () => {
  const tasks = Array.from({ length: 5_000 }, (_, i) => ({ name: `s${i}`, task: '' }));
  expect(issuesOf({ version: 1, tasks })).toHaveLength(1_000);
});

test('a published spec of an earlier release is still read', () => {
  const identity = {
    taskKey: 'dock',
    version: '1.0.0',
    interfaceDigest: 'd',
    producer: null,
    determinism: 'seeded',
    architecture: null,
    ignoredPointers: [],
    ignoredAnswerPointers: [],
    contentTypes: {},
  };
  const stored = {
    version: 1,
    inputs: { type: 'object', properties: {} },
    parameters: { type: 'object', properties: {} },
    tasks: [
      {
        ...a,
        dependsOn: [],
        inputs: {},
        parameters: {},
        retry: { attempts: 3, backoffMs: 1_000, jitter: 0.5 },
        timeoutMs: 3_600_000,
        cache: 'use',
        taskDefinitionId: '019a0000-0000-7000-8000-000000000000',
        identity,
      },
    ],
    outputs: {},
  };
  const spec = parsePublishedSpec(stored);
  expect(spec).toMatchObject({ ...stored, resourceClass: 'cpu' });
  expect(spec.tasks[0]?.onFailure).toBe('fail');
  expect(parsePublishedSpec({ ...stored, resourceClass: 'gpu' }).resourceClass).toBe('gpu');
  expect(parsePublishedSpec(JSON.parse(JSON.stringify(spec)))).toStrictEqual(spec);
});
