import { isArtifactReference } from '../../artifacts/artifact-reference.ts';
import { isMadError, type ValidationIssue } from '../../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts';
import { compileSchema } from '../../schema/compile-schema.ts';
import { holds } from '../../schema/holds.ts';
import type { JsonSchema } from '../../schema/json-schema.ts';
import { withDefaultsOptional } from '../../schema/with-defaults.ts';
import type { FlowProof } from './data-flow.ts';
import { prefix } from './hold-source.ts';
import { escapeToken, findProperty, labelOf, type StepAt } from './step-at.ts';

/** The values a pipeline itself gives to a request are ones that the task takes. */
export function checkLiterals(proof: FlowProof, { step, task, pointer: outer }: StepAt): void {
  const root = withDefaultsOptional(task.requestSchema);
  for (const [property, value] of Object.entries(step.parameters)) {
    const pointer = `${outer}/parameters/${escapeToken(property)}`;
    const target = findProperty(proof, root, property);
    const name = labelOf(task);
    if (target === undefined)
      proof.issues.push({ pointer, message: `${prefix(step.name)}${name} takes no ${property}` });
    if (typeof target !== 'object' || value === undefined) continue;
    const issues = hasReference(value) ? undefined : checkValue(proof, { schema: target.schema, root }, value);
    if (issues === undefined) {
      const message = `the value of ${property} is held against ${name} when the step runs`;
      proof.unproven.push({ step: step.name, pointer, message });
    } else
      for (const issue of issues)
        proof.issues.push({
          pointer: `${pointer}${issue.pointer}`,
          message: `${prefix(step.name)}${property} of ${name} ${issue.message}`,
        });
  }
}

const STEPS = 100_000;

/** Undefined: it cannot be told before the step runs. */
function checkValue(
  proof: FlowProof,
  { schema, root }: { schema: JsonObject; root: JsonSchema },
  value: JsonValue,
): readonly ValidationIssue[] | undefined {
  const truth = holds(schema, value, { root, budget: { left: STEPS } });
  if (truth === true) return [];
  // Compiling tells the very place, but takes its time: not for each of thousands.
  const issues = proof.compilations.left-- > 0 ? checkCompiled({ schema, root }, value) : undefined;
  if (truth === false && (issues ?? []).length === 0) return [{ pointer: '', message: 'does not take this value' }];
  return issues;
}

function checkCompiled(
  { schema, root }: { schema: JsonObject; root: JsonSchema },
  value: JsonValue,
): readonly ValidationIssue[] | undefined {
  const definitions = isJsonObject(root) ? root.$defs : undefined;
  try {
    return compileSchema(definitions === undefined ? schema : { ...schema, $defs: definitions }).check(value);
  } catch (error) {
    // References to other places than $defs lead nowhere here.
    if (isMadError(error)) return undefined;
    throw error;
  }
}

/** A file stands in a request as a reference to it, where its schema asks for its text. */
function hasReference(value: JsonValue | undefined): boolean {
  if (isArtifactReference(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((inner: JsonValue | undefined) => hasReference(inner));
}
