import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { proveDataFlow } from '../../src/pipeline/check-data-flow.ts';
import { type PipelineSpecInput, parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';
import type { ResolvedTask } from '../../src/ports/task-runner.ts';

const pdb = { type: 'string', contentMediaType: 'chemical/x-pdb' };
const pdbqt = { type: 'string', contentMediaType: 'chemical/x-pdbqt' };
const text = { type: 'string' };
const number = { type: 'number' };
const integer = { type: 'integer' };
const closed = (properties: JsonObject, required = Object.keys(properties)): JsonObject => ({
  ...{ type: 'object', additionalProperties: false, required, properties },
});
const identity = {
  ...{ version: '1.0.0', interfaceDigest: '', producer: null, architecture: null, taskDefinitionId: '' },
  ...{ ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
};
const task = (taskKey: string, requestSchema: JsonObject, responseSchema: JsonObject): ResolvedTask => ({
  ...{ ...identity, taskKey, determinism: 'exact', requestSchema, responseSchema },
});

const pose = closed({ rank: { type: 'integer', minimum: 1 }, affinity: number }, ['rank', 'affinity']);
const tasks = [
  task('prepare', closed({ receptor: pdb }), closed({ receptor: pdbqt, atoms: integer })),
  task('dock', closed({ receptor: pdbqt, size: number }), closed({ poses: { type: 'array', items: pose } })),
  task(
    'split',
    closed({ text }),
    closed({
      ligands: { type: 'array', items: closed({ id: text, smiles: text, charge: integer }, ['id', 'smiles']) },
    }),
  ),
  task('score', closed({ smiles: text, charge: integer }, ['smiles']), closed({ score: number })),
  task('rank', closed({ scores: { type: 'array', items: closed({ score: number }) } }), closed({ best: integer })),
  task('open', {}, { type: 'object' }),
  task(
    'limits',
    closed({ mode: { enum: ['a', 'b'] }, box: { $ref: '#/$defs/box' }, top: { ...integer, default: 3 } }),
    closed({ level: { ...number, minimum: 0, maximum: 1 }, kind: { enum: ['x', 'y'] } }),
  ),
];
const box = closed({ x: { ...number, minimum: 0 } });
const byKey = new Map(tasks.map((each) => [each.taskKey, each]));

function prove(spec: Omit<PipelineSpecInput, 'version'>) {
  const parsed = parsePipelineSpec({ version: 1, ...spec });
  const resolved = new Map(
    parsed.tasks.flatMap(({ name, task: key }) => {
      const found = byKey.get(key);
      return found ? [[name, { ...found, requestSchema: withBox(found) }] as const] : [];
    }),
  );
  const { issues, unproven } = proveDataFlow({ spec: parsed, tasks: resolved });
  return {
    issues: issues.map(({ pointer, message }) => `${pointer} ${message}`),
    unproven: unproven.map(({ step, pointer, message }) => `${step ?? '-'} ${pointer} ${message}`),
  };
}

const withBox = ({ requestSchema }: ResolvedTask) =>
  typeof requestSchema === 'object' ? { ...requestSchema, $defs: { box } } : requestSchema;

const from = (inputs: Record<string, string>) =>
  Object.fromEntries(Object.entries(inputs).map(([key, pointer]) => [key, { from: pointer }]));

const good = { receptor: '/steps/prepare/output/receptor', size: '/parameters/size' };
const docking = (dockInputs: Record<string, string>, more: Partial<PipelineSpecInput> = {}) =>
  prove({
    inputs: closed({ protein: pdb }),
    parameters: closed({ size: { ...number, default: 20 }, label: text }, []),
    tasks: [
      { name: 'prepare', task: 'prepare', inputs: from({ receptor: '/inputs/protein' }) },
      { name: 'dock', task: 'dock', inputs: from(dockInputs) },
    ],
    ...more,
  });
const nothing = { issues: [], unproven: [] };

test('a flow that fits is proven', () => {
  expect(docking(good, { outputs: from({ receptor: '/steps/prepare/output/receptor' }) })).toEqual(nothing);
  expect(docking(good, { docking: { poses: { from: '/steps/dock/output/poses' } } })).toEqual(nothing);
});

test('a misfit names step, pointer, both schemas and a value that shows it', () => {
  expect(docking({ ...good, size: '/steps/prepare/output/atoms' })).toEqual(nothing);
  expect(docking({ ...good, size: '/parameters/label' }).issues).toEqual([
    '/tasks/1/inputs/size step dock: /parameters/label does not fit size of dock@1.0.0: string comes, number is taken, such as "" (source {"type":"string"}, target {"type":"number"})',
    '/tasks/1/inputs step dock: dock@1.0.0 requires size, which may be absent here; bind it to a value that is always there',
  ]);
});

test('a file of another kind is refused', () => {
  const [issue] = docking({ ...good, receptor: '/inputs/protein' }).issues;
  expect(issue).toContain('a file of chemical/x-pdb comes, chemical/x-pdbqt is taken (source');
});

test('a wider range is refused, and shown at its place', () => {
  const parameters = closed({ box: closed({ x: number }) });
  const limits = {
    name: 'limits',
    task: 'limits',
    inputs: from({ box: '/parameters/box' }),
    parameters: { mode: 'a' },
  };
  const [issue] = prove({ parameters, tasks: [limits] }).issues;
  expect(issue).toContain('a number comes, minimum 0 is taken at /x, such as {"x":-1}');
  expect(prove({ parameters: closed({ box }), tasks: [limits] })).toEqual(nothing);
});

test('sources that do not exist, properties the task does not take and required ones without a source are named', () => {
  const inputs = { receptor: '/steps/prepare/output/nothing', charge: '/parameters/size' };
  expect(docking(inputs, { outputs: from({ log: '/steps/dock/output/log' }) }).issues).toEqual([
    '/tasks/1/inputs/receptor step dock: nothing is at /steps/prepare/output/nothing',
    '/tasks/1/inputs/charge step dock: dock@1.0.0 takes no charge',
    '/tasks/1/inputs step dock: dock@1.0.0 requires size, which may be absent here; bind it to a value that is always there',
    '/outputs/log nothing is at /steps/dock/output/log',
  ]);
});

test('a slip in a name is told, also where the schema does not forbid other names', () => {
  const parameters = { type: 'object', properties: { size: { ...number, default: 20 } } };
  const sise = { ...good, size: '/parameters/sise' };
  expect(docking(sise, { parameters }).issues).toEqual([
    '/tasks/1/inputs/size step dock: nothing is at /parameters/sise',
  ]);
  expect(docking(sise, { parameters: { type: 'object', additionalProperties: true } })).toEqual({
    issues: [],
    unproven: ['dock /tasks/1/inputs/size no schema tells what is at /parameters/sise'],
  });
});

test('what schemas do not decide is unproven, and no error', () => {
  const open = { name: 'open', task: 'open', inputs: from({ anything: '/inputs/protein' }) };
  const score = { name: 'score', task: 'score', inputs: from({ smiles: '/steps/open/output/smiles' }) };
  expect(prove({ inputs: closed({ protein: pdb }), tasks: [open, score] })).toEqual({
    issues: [],
    unproven: [
      'open /tasks/0/inputs/anything open@1.0.0 does not tell what anything is',
      'score /tasks/1/inputs/smiles no schema tells what is at /steps/open/output/smiles',
    ],
  });
});

test('only files can be outputs, and only poses the poses', () => {
  expect(docking(good, { outputs: from({ atoms: '/steps/prepare/output/atoms' }) }).issues).toEqual([
    "/outputs/atoms /steps/prepare/output/atoms is no file; only files can be outputs, a step's values are in its task result",
  ]);
  const [issue] = docking(good, { docking: { poses: { from: '/steps/prepare/output/atoms' } } }).issues;
  expect(issue).toContain('/docking/poses /steps/prepare/output/atoms does not fit docking.poses: integer comes');
});

describe('values of the pipeline itself', () => {
  const limits = (parameters: JsonObject) => prove({ tasks: [{ name: 'limits', task: 'limits', parameters }] });

  test('are held against the request, references followed', () => {
    expect(limits({ mode: 'a', box: { x: 1 } })).toEqual(nothing);
    expect(limits({ mode: 'c', box: { x: -1 }, top: 'all', more: 1 }).issues).toEqual([
      '/tasks/0/parameters/mode step limits: mode of limits@1.0.0 must be equal to one of the allowed values: ["a","b"]',
      '/tasks/0/parameters/box/x step limits: box of limits@1.0.0 must be >= 0',
      '/tasks/0/parameters/top step limits: top of limits@1.0.0 must be integer',
      '/tasks/0/parameters/more step limits: limits@1.0.0 takes no more',
    ]);
  });

  test('are required where nothing is bound and there is no default', () => {
    expect(limits({ mode: 'a' }).issues).toEqual([
      '/tasks/0/inputs step limits: limits@1.0.0 requires box, which may be absent here; bind it to a value that is always there',
    ]);
  });

  test('stand in for a bound value that is absent', () => {
    const parameters = closed({ mode: { enum: ['a', 'b'] } }, []);
    const step = { name: 'limits', task: 'limits', inputs: from({ mode: '/parameters/mode' }) };
    const missing = prove({ parameters, tasks: [{ ...step, parameters: { box: { x: 1 } } }] }).issues;
    expect(missing.join()).toContain('limits@1.0.0 requires mode');
    expect(prove({ parameters, tasks: [{ ...step, parameters: { mode: 'b', box: { x: 1 } } }] })).toEqual(nothing);
  });

  test('that are files are left to the run', () => {
    const receptor = { $artifact: 'a'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 1 };
    const { issues, unproven } = prove({ tasks: [{ name: 'prepare', task: 'prepare', parameters: { receptor } }] });
    expect([issues, unproven.length]).toEqual([[], 1]);
  });
});

describe('a source that is not always there', () => {
  const flow = (prepare: object, dock: object = {}) =>
    docking(good, {
      tasks: [
        { name: 'prepare', task: 'prepare', inputs: from({ receptor: '/inputs/protein' }), ...prepare },
        { name: 'dock', task: 'dock', inputs: from(good), ...dock },
      ],
    });
  const when = { when: { from: '/parameters/label', exists: true } } as const;
  const missing =
    '/tasks/1/inputs step dock: dock@1.0.0 requires receptor, which may be absent here; bind it to a value that is always there';

  test.each([
    ['a step with a condition', when],
    ['a step that may fail', { onFailure: 'continue' }],
  ])('%s gives no required property', (_what, prepare) => {
    expect(flow(prepare).issues).toEqual([missing]);
  });

  test('a step whose dependents are skipped with it is always there for them', () => {
    expect(flow({ onFailure: 'skip' })).toEqual(nothing);
  });

  test.each([
    ['the value', { from: '/steps/prepare/output/receptor', exists: true }],
    ['the output', { from: '/steps/prepare/output', exists: true }],
    ['another value of the output', { from: '/steps/prepare/output/atoms', above: 5 }],
    [
      'all of several',
      {
        all: [
          { from: '/parameters/label', exists: true },
          { from: '/steps/prepare/output', exists: true },
        ],
      },
    ],
    ['not its absence', { not: { from: '/steps/prepare/output/receptor', exists: false } }],
  ] as const)('it is there where the step runs only then: %s', (_what, condition) => {
    expect(flow(when, { when: condition })).toEqual(nothing);
  });

  test.each([
    [
      'one of several',
      {
        any: [
          { from: '/parameters/label', exists: true },
          { from: '/steps/prepare/output', exists: true },
        ],
      },
    ],
    ['its absence', { from: '/steps/prepare/output', exists: false }],
    ['another', { from: '/parameters/label', equals: 'x' }],
  ] as const)('it is not there where the step also runs without: %s', (_what, condition) => {
    expect(flow(when, { when: condition }).issues).toEqual([missing]);
  });
});

describe('a condition', () => {
  const given = (condition: object) =>
    prove({
      parameters: closed({ label: text }),
      tasks: [
        { name: 'limits', task: 'limits', parameters: { mode: 'a', box: { x: 1 } } },
        { name: 'open', task: 'open', when: condition as never },
      ],
    }).issues;

  test('that can hold is no issue', () => {
    expect(given({ from: '/steps/limits/output/level', above: 0.5 })).toEqual([]);
    expect(given({ from: '/steps/limits/output/kind', in: ['x', 'y'] })).toEqual([]);
  });

  test('that never holds is one, with its place', () => {
    expect(given({ all: [{ from: '/steps/limits/output/kind', equals: 'z' }] })).toEqual([
      '/tasks/1/when/all/0 step open: /steps/limits/output/kind is never "z"',
    ]);
    expect(given({ not: { from: '/parameters/label', above: 1 } })).toEqual([
      '/tasks/1/when/not step open: /parameters/label is never a number, above and below compare numbers',
    ]);
    expect(given({ from: '/parameters/lable', exists: true })).toEqual([
      '/tasks/1/when step open: nothing is at /parameters/lable',
    ]);
  });
});

describe('a fan-out', () => {
  const fanOut = (score: object, rank: object = {}) =>
    prove({
      parameters: closed({ library: text, list: { type: 'array', items: text } }, ['library']),
      tasks: [
        { name: 'split', task: 'split', inputs: from({ text: '/parameters/library' }) },
        {
          name: 'score',
          task: 'score',
          forEach: { items: { from: '/steps/split/output/ligands' }, key: '/id' },
          inputs: from({ smiles: '/item/smiles', charge: '/item/charge' }),
          ...score,
        },
        { name: 'rank', task: 'rank', inputs: from({ scores: '/steps/score/output' }), ...rank },
      ],
    });

  test('takes each item and gives the list of all outputs', () => {
    expect(fanOut({})).toEqual(nothing);
  });

  test('gives no single output', () => {
    const [issue] = fanOut({}, { inputs: from({ scores: '/steps/score/output/score' }) }).issues;
    expect(issue).toContain('nothing is at /steps/score/output/score');
    const [wrong] = fanOut({}, { inputs: from({ scores: '/steps/score/output/0/score' }) }).issues;
    expect(wrong).toContain('number comes, array is taken');
  });

  test('is refused where the items are no list, may be absent or do not fit', () => {
    const items = (pointer: string) =>
      fanOut({ forEach: { items: { from: pointer } }, inputs: from({ smiles: '/item' }) });
    expect(items('/parameters/library').issues.join('\n')).toContain('string comes, array is taken');
    expect(items('/parameters/list').issues).toEqual([
      '/tasks/1/forEach/items step score: /parameters/list may be absent; read the items from a list that is always there',
    ]);
    expect(fanOut({ inputs: from({ smiles: '/item' }) }).issues.join('\n')).toContain('object comes, string is taken');
    expect(fanOut({ inputs: from({ smiles: '/item/smile' }) }).issues.join('\n')).toContain(
      'nothing is at /item/smile',
    );
  });

  test('is refused where an item has no such key', () => {
    const key = (pointer: string) =>
      fanOut({ forEach: { items: { from: '/steps/split/output/ligands' }, key: pointer } });
    expect(key('/name').issues).toEqual(['/tasks/1/forEach/key step score: nothing is at /name of an item']);
    expect(key('/charge').unproven).toEqual(['score /tasks/1/forEach/key /charge of an item may be absent']);
    expect(key('').issues.join()).toContain('object comes, string or number is taken');
  });
});

test('10,000 steps of a few tasks are proven in a moment', () => {
  const steps = Array.from({ length: 10_000 }, (_, index) => ({
    ...{ name: `s${index}`, task: 'rank' },
    ...(index === 0
      ? { parameters: { scores: [] } }
      : { task: 'score', inputs: from({ smiles: '/parameters/smiles' }), dependsOn: [`s${index - 1}`] }),
  }));
  const spec = parsePipelineSpec({ version: 1, parameters: closed({ smiles: text }), tasks: steps });
  const resolved = new Map(
    spec.tasks.flatMap(({ name, task: key }) => [[name, byKey.get(key) as ResolvedTask] as const]),
  );
  expect(proveDataFlow({ spec, tasks: resolved })).toMatchObject(nothing);
});

test('thousands of pairs of hostile schemas end soon', () => {
  const hostile = (index: number): JsonObject =>
    closed({
      value: {
        allOf: Array.from({ length: 20 }, (_, branch) => ({
          anyOf: [closed({ a: { minimum: branch } }), closed({ b: { maximum: index } }), { multipleOf: branch + 1 }],
        })),
      },
    });
  const names = Array.from({ length: 500 }, (_, index) => `s${index}`);
  const spec = parsePipelineSpec({
    version: 1,
    tasks: names.map((name, index) => ({
      ...{ name, task: name },
      ...(index === 0 ? {} : { inputs: from({ value: `/steps/s${index - 1}/output/value` }) }),
    })),
  });
  const resolved = new Map(names.map((name, index) => [name, task(name, hostile(index), hostile(index + 1))]));
  proveDataFlow({ spec, tasks: resolved });
});
