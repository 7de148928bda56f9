import type { ValidationIssue } from '../../errors.ts';
import type { ResolvedTask } from '../../ports/task-runner.ts';
import type { Budget } from '../../schema/budget.ts';
import type { Subschema } from '../../schema/find-subschema.ts';
import type { Fit } from '../../schema/fits.ts';
import type { JsonSchema } from '../../schema/json-schema.ts';
import type { PipelineSpec, PipelineStep } from '../pipeline-spec.ts';

export interface DataFlow {
  readonly spec: PipelineSpec;
  /** Step name → its task. */
  readonly tasks: ReadonlyMap<string, ResolvedTask>;
}

/** An edge of the data flow that schemas alone do not prove. The request is checked when the step runs. */
export interface UnprovenFlow {
  /** The step that takes the value; null for an output of the job and for its poses. */
  readonly step: string | null;
  /** JSON Pointer into the spec. */
  readonly pointer: string;
  readonly message: string;
}

/** What comes from a place that bindings can name. */
export interface Source extends Subschema {
  /** What references of the schema point into. */
  readonly root: JsonSchema;
}

/** What a task asks of its request besides the schema of each property. */
export interface Demands {
  readonly required: readonly string[];
  /** Those that tie properties together. */
  readonly keywords: readonly string[];
}

/** A proof under way: what was found, and what was asked before. */
export interface FlowProof extends DataFlow {
  readonly steps: ReadonlyMap<string, PipelineStep>;
  readonly issues: ValidationIssue[];
  readonly unproven: UnprovenFlow[];
  /** Steps of schema proofs left for the whole pipeline. */
  readonly budget: Budget;
  /** Schemas that may still be compiled to tell what is wrong with a value. */
  readonly compilations: Budget;
  /** Answers by the schemas asked about: thousands of steps often are of a few tasks. */
  readonly fits: Map<JsonSchema, Map<JsonSchema, Fit>>;
  readonly demands: Map<JsonSchema, Demands>;
  readonly places: Map<JsonSchema, Map<string, Subschema | 'unknown' | undefined>>;
}

/** The value of a key, made on first use. */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as Value;
  const made = make();
  map.set(key, made);
  return made;
}
