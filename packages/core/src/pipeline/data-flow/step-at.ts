import type { ResolvedTask } from '../../ports/task-runner.ts';
import { findSubschema, type Subschema } from '../../schema/find-subschema.ts';
import type { JsonSchema } from '../../schema/json-schema.ts';
import type { PipelineStep } from '../pipeline-spec.ts';
import { type FlowProof, remember } from './data-flow.ts';

/** A step and its place in the spec. */
export interface StepAt {
  readonly step: PipelineStep;
  readonly task: ResolvedTask;
  /** JSON Pointer into the spec. */
  readonly pointer: string;
}

/** What a task asks of one property of its request. */
export function findProperty(
  proof: FlowProof,
  request: JsonSchema,
  property: string,
): Subschema | 'unknown' | undefined {
  const places = remember(proof.places, request, () => new Map<string, Subschema | 'unknown' | undefined>());
  const pointer = `/${escapeToken(property)}`;
  return remember(places, pointer, () => findSubschema(request, pointer));
}

export const labelOf = ({ taskKey, version }: ResolvedTask): string => `${taskKey}@${version}`;
export const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');
