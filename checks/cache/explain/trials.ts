import type { JsonObject, PipelineSpecInput, TaskIdentity } from '@mad/core';
import { PAYLOAD } from './payload.ts';

/** A job: its parameters, its files by input key, the tasks it runs, and how its pipeline is written. */
export interface AskedJob {
  readonly parameters: JsonObject;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly dock: Partial<TaskIdentity>;
  readonly spec: PipelineSpecInput;
}

/** One thing that is changed alone, and what must be named for it. */
export interface Trial {
  readonly name: string;
  readonly change: Partial<AskedJob>;
  /** Instead of a change of what is asked: the cache is salted, or the entries are of another version of keys. */
  readonly around?: 'salt' | 'version' | undefined;
  /** The component named for the step `dock`; null: the step is served. */
  readonly step: string | null;
  /** For the whole job. */
  readonly job: string;
  /** What is said of the step, or where that is served of the job. */
  readonly words: string | RegExp;
}

const LONG = Array.from({ length: 200 }, (_, index) => `note ${index + 1} of a long text`);
const LIGAND = ['CCO', '     RDKit          3D', '', '  1  0  0', 'M  END'];
const lines = (text: readonly string[]): string => text.join('\n');

const PARAMETERS = {
  seed: 1,
  exhaustiveness: 8,
  refine: false,
  engine: 'vina',
  box: { center: { x: 0, y: 0.5, z: -3 }, size: [20, 20, 20] },
  residues: Array.from({ length: 40 }, (_, index) => index),
  notes: lines(LONG),
  'a/b~c': 'odd',
  nothing: null,
  payload: PAYLOAD,
};

const open = { type: 'object' };
const file = (contentMediaType: string) => ({ type: 'string', contentMediaType });

const dockStep = {
  name: 'dock',
  task: 'dock@^1',
  parameters: { mode: 'rigid' },
  inputs: {
    ...Object.fromEntries(
      Object.keys({ ...PARAMETERS, extra: 0 }).map((key) => [
        key,
        { from: `/parameters/${key.replaceAll('~', '~0').replaceAll('/', '~1')}` },
      ]),
    ),
    receptor: { from: '/steps/prepare/output/prepared' },
    ligand: { from: '/inputs/ligand' },
  },
};

const prepareStep = { name: 'prepare', task: 'prepare@^1', inputs: { file: { from: '/inputs/receptor' } } };

const SPEC = {
  version: 1,
  inputs: {
    type: 'object',
    properties: { receptor: file('application/octet-stream'), ligand: file('text/plain') },
    required: ['receptor', 'ligand'],
  },
  parameters: open,
  tasks: [prepareStep, dockStep],
  outputs: { prepared: { from: '/steps/prepare/output/prepared' } },
} satisfies PipelineSpecInput;

/** What every trial starts from. */
export const BASE: AskedJob = {
  parameters: PARAMETERS,
  files: { receptor: Uint8Array.from({ length: 3_000 }, (_, index) => index % 256), ligand: lines(LIGAND) },
  dock: {},
  spec: SPEC,
};

const withParameter = (more: JsonObject): Partial<AskedJob> => ({ parameters: { ...PARAMETERS, ...more } });
const without = (key: keyof typeof PARAMETERS): Partial<AskedJob> => {
  const { [key]: _, ...parameters } = PARAMETERS;
  return { parameters };
};
const withLigand = (ligand: string | Uint8Array): Partial<AskedJob> => ({ files: { ...BASE.files, ligand } });
const replaced = (text: readonly string[], at: number): string => lines(text.with(at, `${text[at]} changed`));

function parameterTrial(name: string, change: Partial<AskedJob>, [pointer, words]: readonly [string, string]): Trial {
  return { name, change, step: pointer, job: pointer, words };
}

const PARAMETER_TRIALS: readonly Trial[] = [
  parameterTrial('a number', withParameter({ seed: 2 }), ['/parameters/seed', 'parameters.seed 1 → 2']),
  parameterTrial('a fraction', withParameter({ exhaustiveness: 8.5 }), [
    '/parameters/exhaustiveness',
    'parameters.exhaustiveness 8 → 8.5',
  ]),
  parameterTrial('a flag', withParameter({ refine: true }), ['/parameters/refine', 'parameters.refine false → true']),
  parameterTrial('a word', withParameter({ engine: 'vinardo' }), [
    '/parameters/engine',
    'parameters.engine "vina" → "vinardo"',
  ]),
  parameterTrial('a number that becomes text', withParameter({ seed: '1' }), [
    '/parameters/seed',
    'parameters.seed 1 → "1"',
  ]),
  parameterTrial('null that becomes 0', withParameter({ nothing: 0 }), [
    '/parameters/nothing',
    'parameters.nothing null → 0',
  ]),
  parameterTrial('a nested number', withParameter({ box: { ...PARAMETERS.box, center: { x: 0, y: 0.5, z: 3 } } }), [
    '/parameters/box/center/z',
    'parameters.box.center.z -3 → 3',
  ]),
  parameterTrial('an item of a list', withParameter({ box: { ...PARAMETERS.box, size: [20, 24, 20] } }), [
    '/parameters/box/size/1',
    'parameters.box.size.1 20 → 24',
  ]),
  parameterTrial('a longer list', withParameter({ box: { ...PARAMETERS.box, size: [20, 20, 20, 1] } }), [
    '/parameters/box/size/3',
    'parameters.box.size.3 absent → 1',
  ]),
  parameterTrial('a part that becomes a number', withParameter({ box: { ...PARAMETERS.box, center: 5 } }), [
    '/parameters/box/center',
    'parameters.box.center {"x":0,"y":0.5,"z":-3} → 5',
  ]),
  parameterTrial('a part that is left out', withParameter({ box: { size: [20, 20, 20] } }), [
    '/parameters/box/center',
    'parameters.box.center {"x":0,"y":0.5,"z":-3} → absent',
  ]),
  parameterTrial('a part that is emptied', withParameter({ box: {} }), [
    '/parameters/box',
    'parameters.box {"center":{"x":0,"y":0.5,"z":-3},"size":[20,20,20]} → {}',
  ]),
  parameterTrial('one of many items', withParameter({ residues: PARAMETERS.residues.with(7, 99) }), [
    '/parameters/residues',
    'parameters.residues [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,2… → [0,1,2,3,4,5,6,99,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,…',
  ]),
  parameterTrial('a parameter more', withParameter({ extra: true }), [
    '/parameters/extra',
    'parameters.extra absent → true',
  ]),
  parameterTrial('a parameter less', without('refine'), ['/parameters/refine', 'parameters.refine false → absent']),
  parameterTrial('null that is left out', without('nothing'), [
    '/parameters/nothing',
    'parameters.nothing null → absent',
  ]),
  parameterTrial('an odd name', withParameter({ 'a/b~c': 'even' }), [
    '/parameters/a~1b~0c',
    'parameters.a/b~c "odd" → "even"',
  ]),
  parameterTrial('a line of a long text', withParameter({ notes: replaced(LONG, 119) }), [
    '/parameters/notes',
    'notes: line 120 only',
  ]),
];

/** A file is a component of the step under the name of its property, and of the job under that of its input. */
function fileTrial(name: string, ligand: string | Uint8Array, words: string): Trial {
  return { name, change: withLigand(ligand), step: '/parameters/ligand', job: '/inputs/ligand', words };
}

const FILE_TRIALS: readonly Trial[] = [
  fileTrial('a line of a file', replaced(LIGAND, 1), 'ligand: line 2 only'),
  fileTrial('two lines of a file', lines(LIGAND.with(0, 'CCN').with(3, '  2  1  0')), 'ligand: lines 1 and 4 only'),
  fileTrial('lines more', lines([...LIGAND.slice(0, 3), 'A', 'B', ...LIGAND.slice(3)]), 'ligand: lines 4–5 added'),
  fileTrial('a line less', lines(LIGAND.toSpliced(3, 1)), 'ligand: line 4 removed'),
  fileTrial('line ends', LIGAND.join('\r\n'), 'ligand: line ends only'),
  fileTrial('bytes', Uint8Array.of(0, 255, 1), 'ligand: other content'),
  fileTrial('a large file', 'x'.repeat(1_100_000), 'ligand: other content'),
];

function taskTrial(name: string, dock: Partial<TaskIdentity>, [fact, words]: readonly [string, string]): Trial {
  return { name, change: { dock }, step: `/task/${fact}`, job: `/tasks/1/${fact}`, words };
}

const TASK_TRIALS: readonly Trial[] = [
  taskTrial('the task', { taskKey: 'dock-gpu' }, ['taskKey', 'task dock → dock-gpu']),
  taskTrial('its version', { version: '1.1.0' }, ['version', 'task version 1.0.0 → 1.1.0']),
  taskTrial('its interface', { interfaceDigest: '9'.repeat(64) }, ['interfaceDigest', 'interface changed']),
  taskTrial('its image', { producer: `sha256:${'3'.repeat(64)}` }, ['producer', 'image digest changed']),
  taskTrial('its machine', { architecture: 'linux/arm64' }, ['architecture', 'architecture linux/amd64 → linux/arm64']),
  taskTrial('no machine', { architecture: null }, ['architecture', 'architecture linux/amd64 → none']),
  taskTrial('its determinism', { determinism: 'exact' }, ['determinism', 'determinism seeded → exact']),
];

const PIPELINE_TRIALS: readonly Trial[] = [
  {
    name: 'a value of the pipeline',
    change: { spec: { ...SPEC, tasks: [prepareStep, { ...dockStep, parameters: { mode: 'flexible' } }] } },
    ...{ step: '/parameters/mode', job: '/spec', words: 'parameters.mode "rigid" → "flexible"' },
  },
  {
    name: 'a step more',
    change: {
      spec: {
        ...SPEC,
        tasks: [...SPEC.tasks, { name: 'again', task: 'prepare@^1', dependsOn: ['dock'], inputs: prepareStep.inputs }],
      },
    },
    ...{ step: null, job: '/spec', words: 'pipeline steps changed' },
  },
  {
    name: 'a step before the others',
    change: {
      spec: { ...SPEC, tasks: [{ name: 'again', task: 'prepare@^1', inputs: prepareStep.inputs }, ...SPEC.tasks] },
    },
    ...{ step: null, job: '/spec', words: 'pipeline steps changed' },
  },
  {
    name: 'the outputs',
    change: { spec: { ...SPEC, outputs: {} } },
    ...{ step: null, job: '/spec', words: 'pipeline steps changed' },
  },
];

const AROUND_TRIALS: readonly Trial[] = [
  { name: 'the salt', change: {}, around: 'salt', step: '/salt', job: '/salt', words: 'salt changed' },
  {
    name: 'the version of keys',
    change: {},
    around: 'version',
    step: '/version',
    job: '/version',
    words: /^key version 0 → \d+$/,
  },
];

export const TRIALS: readonly Trial[] = [
  ...PARAMETER_TRIALS,
  ...FILE_TRIALS,
  ...TASK_TRIALS,
  ...PIPELINE_TRIALS,
  ...AROUND_TRIALS,
];
