import { expect, expectTypeOf, test } from 'vitest';
import type { ValidationFailedError } from '../../src/errors.ts';
import { type DefineStep, definePipeline, type PipelineResults } from '../../src/pipeline/define-pipeline.ts';
import { type PipelineSpecInput, parsePipelineSpec } from '../../src/pipeline/pipeline-spec.ts';
import type { Reference } from '../../src/pipeline/reference.ts';
import { taskOf } from '../../src/pipeline/task-type.ts';

interface Point {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}
interface Pose {
  readonly rank: number;
  readonly affinity: number;
}
interface Ligand {
  readonly id: string;
  readonly pdbqt: string;
  readonly charge?: number;
}

const prepare = taskOf<{ smiles: string; ph?: number }, { ligand: string; warnings?: string[] }>('prepare-ligand@^1');
const split = taskOf<{ library: string }, { ligands: readonly Ligand[] }>('split@^1');
const dock = taskOf<
  { receptor: string; ligand: string; center: Point; exhaustiveness?: number; num_modes?: number },
  { poses_pdbqt: string; poses: Pose[]; confidence: number }
>('dock@^1.0');
const rescore = taskOf<{ poses: readonly Pose[]; boost?: number }, { poses: Pose[] }>('rescore@~2.1');

const number = { type: 'number' } as const;
const inputs = {
  type: 'object',
  properties: {
    receptor: { type: 'string', contentMediaType: 'chemical/x-pdbqt' },
    library: { type: 'string', contentMediaType: 'chemical/x-mdl-sdfile' },
  },
  required: ['receptor', 'library'],
  additionalProperties: false,
} as const;
const parameters = {
  type: 'object',
  properties: {
    smiles: { type: 'string' },
    center: { type: 'object', properties: { x: number, y: number, z: number }, required: ['x', 'y', 'z'] },
    exhaustiveness: { type: 'integer', default: 8 },
    rescore: { type: 'boolean', default: false },
    scoring: { enum: ['vina', 'vinardo'] },
    label: { type: 'string' },
    seeds: { type: 'array', items: { type: 'integer' } },
    anything: {},
  },
  required: ['smiles', 'center'],
} as const;

test('the builder makes the JSON that one would write by hand, and it is a valid spec', () => {
  const built = definePipeline({ inputs, parameters, timeoutMs: 3_600_000 }, ({ inputs, parameters, step }) => {
    const prepared = step('prepare', prepare, { request: { smiles: parameters.at('smiles') } });
    const docked = step('dock', dock, {
      request: {
        receptor: inputs.at('receptor'),
        ligand: prepared.output.at('ligand'),
        center: parameters.at('center'),
        exhaustiveness: parameters.at('exhaustiveness'),
        num_modes: 9,
      },
      retry: { attempts: 5, backoffMs: 2_000 },
      timeoutMs: 600_000,
      cache: 'refresh',
    });
    step('rescore', rescore, {
      request: { poses: docked.output.at('poses') },
      dependsOn: [prepared],
      when: {
        all: [
          parameters.at('rescore').equals(true),
          docked.output.at('poses').at(0).at('affinity').below(-5),
          { not: parameters.at('scoring').in(['vinardo']) },
          { any: [docked.output.at('confidence').above(0.2), parameters.at('label').exists()] },
        ],
      },
      onFailure: 'continue',
    });
    return {
      outputs: { poses: docked.output.at('poses_pdbqt') },
      docking: { poses: docked.output.at('poses') },
    };
  });

  const byHand: PipelineSpecInput = {
    version: 1,
    inputs,
    parameters,
    tasks: [
      { name: 'prepare', task: 'prepare-ligand@^1', inputs: { smiles: { from: '/parameters/smiles' } } },
      {
        name: 'dock',
        task: 'dock@^1.0',
        inputs: {
          receptor: { from: '/inputs/receptor' },
          ligand: { from: '/steps/prepare/output/ligand' },
          center: { from: '/parameters/center' },
          exhaustiveness: { from: '/parameters/exhaustiveness' },
        },
        parameters: { num_modes: 9 },
        retry: { attempts: 5, backoffMs: 2_000 },
        timeoutMs: 600_000,
        cache: 'refresh',
      },
      {
        name: 'rescore',
        task: 'rescore@~2.1',
        inputs: { poses: { from: '/steps/dock/output/poses' } },
        when: {
          all: [
            { from: '/parameters/rescore', equals: true },
            { from: '/steps/dock/output/poses/0/affinity', below: -5 },
            { not: { from: '/parameters/scoring', in: ['vinardo'] } },
            {
              any: [
                { from: '/steps/dock/output/confidence', above: 0.2 },
                { from: '/parameters/label', exists: true },
              ],
            },
          ],
        },
        dependsOn: ['prepare'],
        onFailure: 'continue',
      },
    ],
    timeoutMs: 3_600_000,
    outputs: { poses: { from: '/steps/dock/output/poses_pdbqt' } },
    docking: { poses: { from: '/steps/dock/output/poses' } },
  };
  expect(built).toStrictEqual(byHand);
  expect(JSON.parse(JSON.stringify(built))).toStrictEqual(built);
  expect(parsePipelineSpec(built)).toStrictEqual(parsePipelineSpec(byHand));
});

test('a fan-out hands each item to its request, typed, and gives the list of the answers', () => {
  const built = definePipeline({ inputs, parameters }, ({ inputs, parameters, step }) => {
    const { output } = step('split', split, { request: { library: inputs.at('library') } });
    const docked = step.forEach('dock', dock, {
      items: output.at('ligands'),
      key: (ligand) => ligand.at('id'),
      concurrency: 8,
      onItemFailure: 'skip',
      request: (ligand) => {
        expectTypeOf(ligand).toEqualTypeOf<Reference<Ligand>>();
        expectTypeOf(ligand.at('charge')).toEqualTypeOf<Reference<number | undefined>>();
        return {
          receptor: inputs.at('receptor'),
          ligand: ligand.at('pdbqt'),
          center: parameters.at('center'),
          num_modes: 3,
        };
      },
    });
    expectTypeOf(docked.output).toEqualTypeOf<
      Reference<readonly { poses_pdbqt: string; poses: Pose[]; confidence: number }[]>
    >();
  });
  expect(built.tasks[1]).toStrictEqual({
    name: 'dock',
    task: 'dock@^1.0',
    forEach: { items: { from: '/steps/split/output/ligands' }, key: '/id', concurrency: 8, onItemFailure: 'skip' },
    inputs: {
      receptor: { from: '/inputs/receptor' },
      ligand: { from: '/item/pdbqt' },
      center: { from: '/parameters/center' },
    },
    parameters: { num_modes: 3 },
  });
});

test('types are read off the schemas: what is neither required nor has a default may be absent', () => {
  definePipeline({ inputs, parameters }, ({ inputs, parameters, step }) => {
    expectTypeOf(inputs.at('receptor')).toEqualTypeOf<Reference<string>>();
    expectTypeOf(parameters.at('exhaustiveness')).toEqualTypeOf<Reference<number>>();
    expectTypeOf(parameters.at('label')).toEqualTypeOf<Reference<string | undefined>>();
    expectTypeOf(parameters.at('scoring')).toEqualTypeOf<Reference<'vina' | 'vinardo' | undefined>>();
    expectTypeOf(parameters.at('seeds').at(0)).toEqualTypeOf<Reference<number | undefined>>();
    expectTypeOf(parameters.at('center').at('x')).toEqualTypeOf<Reference<number>>();
    expectTypeOf(parameters.at('anything')).toEqualTypeOf<Reference<unknown>>();
    expectTypeOf(parameters.at('anything').as<number>()).toEqualTypeOf<Reference<number>>();
    step('prepare', prepare, { request: { smiles: 'CCO' } });
  });
});

test('the compiler refuses what could not arrive as the request demands', () => {
  definePipeline({ inputs, parameters }, ({ inputs, parameters, step }) => {
    const center = parameters.at('center');
    const receptor = inputs.at('receptor');
    const prepared = step('prepare', prepare, { request: { smiles: parameters.at('smiles') } });
    const ligand = prepared.output.at('ligand');
    // @ts-expect-error a number where text is taken
    step('a', prepare, { request: { smiles: parameters.at('exhaustiveness') } });
    // @ts-expect-error may be absent, and is required
    step('b', prepare, { request: { smiles: parameters.at('label') } });
    // @ts-expect-error receptor is required
    step('c', dock, { request: { ligand, center } });
    // @ts-expect-error the task takes no charge
    step('d', dock, { request: { receptor, ligand, center, charge: parameters.at('exhaustiveness') } });
    // @ts-expect-error a value of another type
    step('e', dock, { request: { receptor, ligand, center, num_modes: 'nine' } });
    // @ts-expect-error a step answers nothing of this name
    prepared.output.at('ligands');
    // @ts-expect-error nothing is compared with another type
    parameters.at('label').equals(5);
    // @ts-expect-error a part of a point is no point
    step('f', dock, { request: { receptor, ligand, center: center.at('x') } });
    // @ts-expect-error a type that no schema tells has to be declared
    step('g', prepare, { request: { smiles: parameters.at('anything') } });
    // @ts-expect-error items come from a list
    step.forEach('h', prepare, { items: center, request: () => ({ smiles: 'CCO' }) });
    // What may be absent fits where it may be left out.
    step('i', prepare, { request: { smiles: 'CCO', ph: parameters.at('seeds').at(0) } });
  });
});

test('the output of a step that may not be there is typed so', () => {
  definePipeline({ parameters }, ({ parameters, step }) => {
    const request = { smiles: parameters.at('smiles') };
    const conditional = step('a', prepare, { request, when: parameters.at('rescore').equals(true) });
    const optional = step('b', prepare, { request, onFailure: 'continue' });
    const certain = step('c', prepare, { request, onFailure: 'skip' });
    expectTypeOf(conditional.output.at('ligand')).toEqualTypeOf<Reference<string | undefined>>();
    expectTypeOf(optional.output.at('ligand')).toEqualTypeOf<Reference<string | undefined>>();
    expectTypeOf(certain.output.at('ligand')).toEqualTypeOf<Reference<string>>();
    const list = step.forEach('d', prepare, {
      items: parameters.at('seeds').as<readonly number[]>(),
      request: (seed) => ({ smiles: 'CCO', ph: seed }),
      when: parameters.at('seeds').exists(),
    });
    expectTypeOf(list.output.at(0)).toEqualTypeOf<Reference<{ ligand: string; warnings?: string[] } | undefined>>();
  });
});

test('what `when` asks to exist may be declared present, and is bound as ever', () => {
  const built = definePipeline({ inputs, parameters }, ({ parameters, step }) => {
    const rescored = step('rescore', rescore, { request: { poses: [] }, when: parameters.at('rescore').equals(true) });
    const found = parameters.at('label');
    expectTypeOf(found.present()).toEqualTypeOf<Reference<string>>();
    expectTypeOf(rescored.output.present().at('poses')).toEqualTypeOf<Reference<Pose[]>>();
    step('again', rescore, {
      when: rescored.output.exists(),
      request: { poses: rescored.output.present().at('poses') },
    });
    // @ts-expect-error may be absent, and is required
    step('bare', rescore, { when: rescored.output.exists(), request: { poses: rescored.output.at('poses') } });
    step('label', prepare, { when: found.exists(), request: { smiles: found.present() } });
  });
  expect(built.tasks[1]).toStrictEqual({
    name: 'again',
    task: 'rescore@~2.1',
    when: { from: '/steps/rescore/output', exists: true },
    inputs: { poses: { from: '/steps/rescore/output/poses' } },
  });
});

test('a reference inside a value is refused with its place, and never written as a value', () => {
  const loose = taskOf<{ box: object; note?: unknown }, object>('loose@^1');
  const build = (toBox: (center: object) => object) => () =>
    definePipeline({ parameters }, ({ parameters, step }) => {
      step('first', prepare, { request: { smiles: 'C' } });
      step('second', loose, { request: { box: toBox(parameters.at('center')) } });
    });
  const message = (pointer: string) =>
    `/tasks/1/parameters/${pointer}: step second: expected box to be a reference or a value without one, got a reference to /parameters/center inside it`;
  expect(build((center) => ({ sides: [1, { 'a/b': center }] }))).toThrow(message('box/sides/1/a~1b'));
  expect(build((center) => [center])).toThrow(message('box/0'));
  const inItem = () =>
    definePipeline({ parameters }, ({ parameters, step }) => {
      const items = parameters.at('seeds').present();
      step.forEach('each', loose, { items, request: (seed) => ({ box: {}, note: { seed } }) });
    });
  expect(inItem).toThrow('/tasks/0/parameters/note/seed: step each: expected note');
  expect(build((center) => center)().tasks[1]?.inputs).toEqual({ box: { from: '/parameters/center' } });
});

test('a draft that is no pipeline is told where', () => {
  const twice = () =>
    definePipeline({}, ({ step }) => {
      step('a', prepare, { request: { smiles: 'C' } });
      step('a', prepare, { request: { smiles: 'CC' } });
    });
  expect(twice).toThrow(/the name a is used twice/);
  const empty = () => definePipeline({}, () => undefined);
  expect(empty).toThrow(
    expect.objectContaining<Partial<ValidationFailedError>>({ code: 'MAD_CORE_VALIDATION_FAILED' }),
  );
});

test('an option that does not exist is refused at its place', () => {
  const request = { smiles: 'CCO' };
  const given = { timeoutMS: 5 };
  expect(() => definePipeline({}, ({ step }) => void step('a', prepare, { request, ...given }))).toThrow(
    '/tasks/0/timeoutMS: step a: no such option; did you mean timeoutMs?',
  );
  expect(() =>
    definePipeline({ timeoutMs: undefined, ...given }, ({ step }) => void step('a', prepare, { request })),
  ).toThrow('/timeoutMS: no such');
  const results = { output: {} };
  const draft = ({ step }: { step: DefineStep }) => {
    step('a', prepare, { request });
    return results as PipelineResults;
  };
  expect(() => definePipeline({}, draft)).toThrow('/output: no such option; did you mean outputs?');
});

test('keys with a slash or a tilde are escaped', () => {
  const odd = taskOf<Record<never, never>, { 'a/b~c': string }>('odd');
  const built = definePipeline({}, ({ step }) => {
    const { output } = step('odd', odd, { request: {} });
    return { outputs: { file: output.at('a/b~c') } };
  });
  expect(built.outputs).toEqual({ file: { from: '/steps/odd/output/a~1b~0c' } });
});
