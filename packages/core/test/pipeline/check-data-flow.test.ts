import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { checkDataFlow } from '../../src/pipeline/check-data-flow.ts';
import { parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';
import type { ResolvedTask } from '../../src/ports/task-runner.ts';

const pdb = { type: 'string', contentMediaType: 'chemical/x-pdb' };
const pdbqt = { type: 'string', contentMediaType: 'chemical/x-pdbqt' };
const task = (taskKey: string, request: JsonObject, response: JsonObject): ResolvedTask => ({
  ...{
    taskKey,
    version: '1.0.0',
    interfaceDigest: '',
    producer: null,
    determinism: 'exact',
    ignoredPointers: [],
    taskDefinitionId: '',
  },
  requestSchema: { type: 'object', additionalProperties: false, required: Object.keys(request), properties: request },
  responseSchema: {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(response),
    properties: response,
  },
});
const prepare = task('prepare', { receptor: pdb }, { receptor: pdbqt, atoms: { type: 'integer' } });
const dock = task('dock', { receptor: pdbqt, size: { type: 'number' } }, { poses: { type: 'array' } });

function issuesOf(dockInputs: Record<string, string>, more: JsonObject = {}) {
  const spec = parsePipelineSpec({
    version: 1,
    inputs: { type: 'object', properties: { protein: pdb }, required: ['protein'], additionalProperties: false },
    parameters: {
      type: 'object',
      properties: { size: { type: 'number', default: 20 }, label: { type: 'string' } },
      additionalProperties: false,
    },
    tasks: [
      { name: 'prepare', task: 'prepare', inputs: { receptor: { from: '/inputs/protein' } } },
      {
        name: 'dock',
        task: 'dock',
        inputs: Object.fromEntries(Object.entries(dockInputs).map(([key, from]) => [key, { from }])),
      },
    ],
    ...more,
  });
  return checkDataFlow({
    spec,
    tasks: new Map([
      ['prepare', prepare],
      ['dock', dock],
    ]),
  }).map(({ pointer, message }) => `${pointer} ${message}`);
}

const good = { receptor: '/steps/prepare/output/receptor', size: '/parameters/size' };

test('a flow that fits has no issues', () => {
  expect(issuesOf(good, { outputs: { receptor: { from: '/steps/prepare/output/receptor' } } })).toEqual([]);
});

test('an integer may flow into a number, not a string', () => {
  expect(issuesOf({ ...good, size: '/steps/prepare/output/atoms' })).toEqual([]);
  expect(issuesOf({ ...good, size: '/parameters/label' })).toEqual([
    '/tasks/1/inputs/size /parameters/label does not fit size of dock@1.0.0: string comes, number is taken',
    '/tasks/1/inputs dock@1.0.0 requires size, which may be absent here; bind it to a value that is always there',
  ]);
});

test('a file of another kind is refused', () => {
  expect(issuesOf({ ...good, receptor: '/inputs/protein' })).toEqual([
    '/tasks/1/inputs/receptor /inputs/protein does not fit receptor of dock@1.0.0: a file of chemical/x-pdb comes, chemical/x-pdbqt is taken',
  ]);
});

test('sources that do not exist, properties the task does not take and required ones without a source are named', () => {
  expect(
    issuesOf(
      { receptor: '/steps/prepare/output/nothing', charge: '/parameters/size' },
      { outputs: { log: { from: '/steps/dock/output/log' } } },
    ),
  ).toEqual([
    '/tasks/1/inputs/receptor nothing is at /steps/prepare/output/nothing',
    '/tasks/1/inputs/charge dock@1.0.0 takes no charge',
    '/tasks/1/inputs dock@1.0.0 requires size, which may be absent here; bind it to a value that is always there',
    '/outputs/log nothing is at /steps/dock/output/log',
  ]);
});

test('a slip in a name is told, also where the schema does not forbid other names', () => {
  const parameters = { type: 'object', properties: { size: { type: 'number', default: 20 } } };
  expect(issuesOf({ ...good, size: '/parameters/sise' }, { parameters })).toEqual([
    '/tasks/1/inputs/size nothing is at /parameters/sise',
  ]);
  expect(
    issuesOf({ ...good, size: '/parameters/sise' }, { parameters: { type: 'object', additionalProperties: true } }),
  ).toEqual([]);
});

test('only files can be outputs', () => {
  expect(issuesOf(good, { outputs: { atoms: { from: '/steps/prepare/output/atoms' } } })).toEqual([
    "/outputs/atoms /steps/prepare/output/atoms is no file; only files can be outputs, a step's values are in its task result",
  ]);
});
