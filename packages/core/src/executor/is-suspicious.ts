import type { JsonObject } from '../json.ts';
import { findBound } from '../pipeline/bindings.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import { findSourceStep } from '../pipeline/step-graph.ts';

/** kcal/mol; real bindings stay above −20, and engines print thousands for what clashes. */
const MAX_AFFINITY = 50;

/** True for an answer of the docking step that looks like a failure told as a success: no poses, or a best score beyond ±50 kcal/mol. */
export function isSuspicious(
  { docking }: PublishedSpec,
  { step, result }: { readonly step: string; readonly result: JsonObject },
): boolean {
  if (!docking || findSourceStep(docking.poses.from) !== step) return false;
  const poses = findBound({ inputs: {}, parameters: {}, steps: { [step]: { output: result } } }, docking.poses);
  if (!Array.isArray(poses)) return false;
  return poses.length === 0 || !isPlausible(poses[0]);
}

function isPlausible(pose: unknown): boolean {
  const affinity = typeof pose === 'object' && pose !== null && 'affinity' in pose ? pose.affinity : undefined;
  return typeof affinity !== 'number' || Math.abs(affinity) <= MAX_AFFINITY;
}
