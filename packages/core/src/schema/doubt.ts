import type { JsonValue } from '../json.ts';
import type { Budget } from './budget.ts';
import { holds } from './holds.ts';
import type { JsonSchema } from './json-schema.ts';
import { sample, surround } from './sample-values.ts';
import { describeCase, isSilent, type SchemaCase } from './schema-cases.ts';

/** A place where it is not proven that what comes is taken. */
export interface Doubt {
  /** The way to the place from where the doubt is told, the outermost container first. */
  readonly frames: readonly Frame[];
  readonly message: string;
  readonly source: JsonSchema;
  readonly target: JsonSchema;
  /** Values of the place that may not be taken, to be tried. */
  readonly witnesses: () => Iterable<JsonValue>;
  /** Whatever comes is not taken, for a reason that is no matter of validation. */
  readonly isCertain?: boolean | undefined;
}

export interface Frame {
  readonly around: SchemaCase;
  readonly key: string | number;
  /** In a pointer; `*` where the key is any. */
  readonly token: string;
}

/** What the rules of a proof share. */
export interface Prover {
  readonly targetRoot: JsonSchema;
  readonly budget: Budget;
  /** Doubts that values of the place, one container further in, fit. */
  prove(place: readonly JsonSchema[], target: JsonSchema, frame: Frame): readonly Doubt[];
  /** Doubts that the same values fit. */
  proveCase(one: SchemaCase, target: JsonSchema): readonly Doubt[];
}

export interface DoubtFacts {
  readonly target: JsonSchema;
  readonly message: string;
  readonly witnesses?: (() => Iterable<JsonValue>) | undefined;
  readonly isCertain?: boolean | undefined;
}

/** A schema that says nothing promises nothing and rules nothing out: no witness is looked for where the source is silent. */
export function doubt(one: SchemaCase, { target, message, witnesses, isCertain }: DoubtFacts): Doubt {
  const isMute = witnesses === undefined || isSilent(one);
  return {
    frames: [],
    message,
    source: describeCase(one),
    target,
    witnesses: isMute ? () => [] : witnesses,
    isCertain,
  };
}

/** The values of `doubt`'s place, each within the containers around it. */
export function* listWitnesses({ frames, witnesses }: Doubt, budget: Budget): Generator<JsonValue> {
  for (const witness of witnesses()) {
    const value = frames.reduceRight<JsonValue | undefined>(
      (inner, { around, key }) =>
        inner === undefined ? undefined : surround(around, { key, value: inner }, { budget }),
      witness,
    );
    if (value !== undefined) yield value;
  }
}

const MAX_TRIES = 200;

/** A value that is sure to be of the source and sure not to be taken; undefined where none is found. */
export function findWitness(
  told: Doubt,
  { source, target }: Readonly<Record<'source' | 'target', { readonly schema: JsonSchema; readonly root: JsonSchema }>>,
  budget: Budget,
): JsonValue | undefined {
  let tries = 0;
  for (const value of listWitnesses(told, budget)) {
    if (budget.left < 0 || ++tries > MAX_TRIES) return undefined;
    if (holds(source.schema, value, { root: source.root, budget }) !== true) continue;
    if (told.isCertain || holds(target.schema, value, { root: target.root, budget }) === false) return value;
  }
  return undefined;
}

export const pointerOf = ({ frames }: Doubt): string => frames.map(({ token }) => `/${token}`).join('');

/** One value of the case, if any is found: what shows that it is not empty. */
export function* listOne({ root, parts }: SchemaCase, budget: Budget): Generator<JsonValue> {
  const value = sample(root, parts, { budget });
  if (value !== undefined) yield value;
}
