import type { JsonObject } from '../../json.ts';
import type { FlowProof } from './data-flow.ts';
import { findSource } from './find-source.ts';
import { holdSource, prefix } from './hold-source.ts';
import type { StepAt } from './step-at.ts';

const LIST: JsonObject = { type: 'array' };
const KEY: JsonObject = { type: ['string', 'number'] };

/** Where a step runs for each item of a list, the list is there, and where its items are named, each has a name. */
export function checkItems(proof: FlowProof, { step, pointer: outer }: StepAt): void {
  if (!step.forEach) return;
  const { items, key } = step.forEach;
  const edge = { step: step.name, pointer: `${outer}/forEach/items`, from: items.from };
  const source = findSource(proof, items.from, step);
  const { pointer } = edge;
  const issue = (message: string) => void proof.issues.push({ pointer, message: `${prefix(step.name)}${message}` });
  if (source === undefined) issue(`nothing is at ${items.from}`);
  else if (source === 'unknown')
    proof.unproven.push({ step: step.name, pointer, message: `no schema tells what is at ${items.from}` });
  else {
    if (!source.always) issue(`${items.from} may be absent; read the items from a list that is always there`);
    const target = { schema: LIST, root: LIST };
    holdSource(proof, { source, target }, { ...edge, taker: 'forEach, which takes a list' });
    if (key !== undefined) checkKey(proof, { step, pointer: outer, key });
  }
}

function checkKey(proof: FlowProof, at: { step: StepAt['step']; pointer: string; key: string }): void {
  const { step, key } = at;
  const pointer = `${at.pointer}/forEach/key`;
  const from = `/item${key}`;
  const named = findSource(proof, from, step);
  if (named === undefined) {
    proof.issues.push({ pointer, message: `${prefix(step.name)}nothing is at ${key} of an item` });
    return;
  }
  if (named === 'unknown' || !named.always)
    proof.unproven.push({ step: step.name, pointer, message: `${key} of an item may be absent` });
  if (named === 'unknown') return;
  const edge = { step: step.name, pointer, from, taker: 'the key of an item' };
  holdSource(proof, { source: named, target: { schema: KEY, root: KEY } }, edge);
}
