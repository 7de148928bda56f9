import type { ValidationIssue } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { isFileCase } from '../schema/prove-file.ts';
import { kindsOfCase, listCases } from '../schema/schema-cases.ts';
import { checkStep } from './data-flow/check-step.ts';
import type { DataFlow, FlowProof, Source, UnprovenFlow } from './data-flow/data-flow.ts';
import { findSource } from './data-flow/find-source.ts';
import { holdSource } from './data-flow/hold-source.ts';

export type { DataFlow, UnprovenFlow } from './data-flow/data-flow.ts';

export interface DataFlowProof {
  /** Every place where a value cannot arrive as its taker demands. */
  readonly issues: readonly ValidationIssue[];
  /** Every edge that schemas alone do not decide. */
  readonly unproven: readonly UnprovenFlow[];
}

/** Steps of schema proofs for one pipeline: some seconds at worst, however hostile its schemas. */
const STEPS = 1_000_000;
const COMPILATIONS = 20;

/**
 * Proves for every binding that what its producer may answer is what its consumer takes: something is at the source, the request has that property, and
 * the source's schema fits the property's; that every required property has a source that is always there; and that the pipeline's own values are taken.
 * What it cannot prove or refute is left to the check of each request at run time. Asks the same of each pair of schemas once.
 */
export function proveDataFlow({ spec, tasks }: DataFlow): DataFlowProof {
  const proof: FlowProof = {
    spec,
    tasks,
    steps: new Map(spec.tasks.map((step) => [step.name, step])),
    issues: [],
    unproven: [],
    budget: { left: STEPS },
    compilations: { left: COMPILATIONS },
    fits: new Map(),
    demands: new Map(),
    places: new Map(),
  };
  spec.tasks.forEach((step, index) => {
    const task = tasks.get(step.name);
    if (task) checkStep(proof, { step, task, pointer: `/tasks/${index}` });
  });
  for (const [key, { from }] of Object.entries(spec.outputs)) checkOutput(proof, { pointer: `/outputs/${key}`, from });
  if (spec.docking) checkPoses(proof, spec.docking.poses);
  return proof;
}

/** The issues of `proveDataFlow` alone. */
export function checkDataFlow(flow: DataFlow): readonly ValidationIssue[] {
  return proveDataFlow(flow).issues;
}

interface Taken {
  readonly pointer: string;
  readonly from: string;
}

function findTaken(proof: FlowProof, { pointer, from }: Taken): Source | undefined {
  const source = findSource(proof, from);
  if (source === undefined) proof.issues.push({ pointer, message: `nothing is at ${from}` });
  if (source === 'unknown') proof.unproven.push({ step: null, pointer, message: `no schema tells what is at ${from}` });
  return typeof source === 'object' ? source : undefined;
}

function checkOutput(proof: FlowProof, taken: Taken): void {
  const source = findTaken(proof, taken);
  if (!source) return;
  const cases = listCases(source.root, [source.schema], { left: 1_000 });
  const files = cases.filter((one) => isFileCase(one) && kindsOfCase(one).has('string'));
  const { pointer, from } = taken;
  if (files.length === 0) {
    const message = `${from} is no file; only files can be outputs, a step's values are in its task result`;
    proof.issues.push({ pointer, message });
  } else if (files.length < cases.length)
    proof.unproven.push({ step: null, pointer, message: `${from} is not always a file` });
}

const bound = { type: ['number', 'null'], minimum: 0 };
/** What `docking_results` are made of. */
const POSES: JsonObject = {
  type: 'array',
  items: {
    type: 'object',
    properties: { rank: { type: 'integer', minimum: 1 }, affinity: { type: 'number' }, rmsd_lb: bound, rmsd_ub: bound },
    required: ['rank', 'affinity'],
  },
};

function checkPoses(proof: FlowProof, { from }: { readonly from: string }): void {
  const pointer = '/docking/poses';
  const source = findTaken(proof, { pointer, from });
  if (!source) return;
  holdSource(
    proof,
    { source, target: { schema: POSES, root: POSES } },
    { step: null, pointer, from, taker: 'docking.poses' },
  );
  if (!source.always) proof.unproven.push({ step: null, pointer, message: `${from} may be absent` });
}
