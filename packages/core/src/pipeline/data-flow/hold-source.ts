import { type Fit, type FitIssue, fits } from '../../schema/fits.ts';
import type { JsonSchema } from '../../schema/json-schema.ts';
import { type FlowProof, remember, type Source } from './data-flow.ts';

export interface Edge {
  /** The step that takes the value; null for what is taken from the job. */
  readonly step: string | null;
  readonly pointer: string;
  readonly from: string;
  /** Who takes it, in words: `size of dock@1.0.0`. */
  readonly taker: string;
}

export interface Taken {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
}

const MAX_SHOWN = 200;

/** Holds what comes against what is taken: a misfit is an issue, what is not proven is kept as unproven. */
export function holdSource(proof: FlowProof, { source, target }: { source: Source; target: Taken }, edge: Edge): void {
  const { verdict, issues } = askFit(proof, source, target);
  const [first] = issues;
  if (verdict === 'fits' || !first) return;
  const { step, pointer, from, taker } = edge;
  if (verdict === 'misfit' && source.exact) {
    const also = issues.length > 1 ? `; and ${issues.length - 1} more` : '';
    const message = `${prefix(step)}${from} does not fit ${taker}: ${describe(first)}${also}`;
    proof.issues.push({ pointer, message });
  } else proof.unproven.push({ step, pointer, message: `${from} is not proven to fit ${taker}: ${describe(first)}` });
}

export const prefix = (step: string | null): string => (step === null ? '' : `step ${step}: `);

function askFit({ fits: known, budget }: FlowProof, source: Source, target: Taken): Fit {
  const targets = remember(known, source.schema, () => new Map<JsonSchema, Fit>());
  const options = { sourceRoot: source.root, targetRoot: target.root, budget };
  return remember(targets, target.schema, () => fits(source.schema, target.schema, options));
}

function describe({ pointer, message, witness, source, target }: FitIssue): string {
  const at = pointer === '' ? '' : ` at ${pointer}`;
  const such = witness === undefined ? '' : `, such as ${short(witness, 60)}`;
  return `${message}${at}${such} (source ${short(source, MAX_SHOWN)}, target ${short(target, MAX_SHOWN)})`;
}

function short(value: unknown, length: number): string {
  const text = JSON.stringify(value);
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
