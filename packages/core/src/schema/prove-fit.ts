import type { JsonObject } from '../json.ts';
import { type Budget, spend } from './budget.ts';
import { type Doubt, doubt, type Frame, type Prover } from './doubt.ts';
import { holds } from './holds.ts';
import type { JsonSchema } from './json-schema.ts';
import { proveArray } from './prove-array.ts';
import { proveCombined } from './prove-combined.ts';
import { proveFile } from './prove-file.ts';
import { proveObject } from './prove-object.ts';
import { proveKinds, proveListed, proveNumber, proveText } from './prove-scalar.ts';
import { listSamples } from './sample-values.ts';
import { kindsOfCase, listCases, listValues, type SchemaCase } from './schema-cases.ts';

export interface FitProof {
  readonly source: JsonSchema;
  readonly target: JsonSchema;
  readonly sourceRoot: JsonSchema;
  readonly targetRoot: JsonSchema;
  readonly budget: Budget;
}

/** Schemas within schemas, references followed. */
const MAX_DEPTH = 100;
/** More doubts than this about one pair are not told. */
const MAX_DOUBTS = 20;

const RULES = [proveListed, proveNumber, proveText, proveArray, proveObject, proveCombined];

/** A pair that is taken to fit. */
interface Assumption {
  /** How many containers the value is in. */
  readonly level: number;
  /** It is still being proven. */
  isOpen: boolean;
}

/**
 * Every place where it is not proven that the target takes whatever the source holds for; none: it is proven. What recurs is proven by coinduction: a pair
 * met again within itself, at least one container further in, is taken to fit; where the pair then does not, all that was built on it is forgotten.
 */
export function proveFit({ source, target, sourceRoot, targetRoot, budget }: FitProof): readonly Doubt[] {
  const assumed = new Map<string, Assumption>();
  const trail: string[] = [];
  const refuted = new Map<string, readonly Doubt[]>();
  const identify = createIdentify();
  let [depth, level] = [0, 0];
  const prover: Prover = { targetRoot, budget, proveCase, prove: proveInside };

  function proveInside(place: readonly JsonSchema[], wanted: JsonSchema, frame: Frame): readonly Doubt[] {
    if (wanted === true) return [];
    level++;
    const doubts = provePlace(place, wanted);
    level--;
    return doubts.map((told) => ({ ...told, frames: [frame, ...told.frames] }));
  }

  function provePlace(place: readonly JsonSchema[], wanted: JsonSchema): readonly Doubt[] {
    if (!spend(budget)) return [tooMuch({ root: sourceRoot, parts: [] }, wanted)];
    return listCases(sourceRoot, place, budget)
      .flatMap((one) => {
        const doubts = proveCase(one, wanted);
        // Where it does not fit anyway, the kind of file is not the matter.
        return doubts.length > 0 && doubts.some(({ frames }) => frames.length === 0)
          ? [...proveFile(one, wanted, prover), ...doubts]
          : [...doubts, ...proveFile(one, wanted, prover)];
      })
      .slice(0, MAX_DOUBTS);
  }

  function proveCase(one: SchemaCase, wanted: JsonSchema): readonly Doubt[] {
    if (wanted === true || kindsOfCase(one).size === 0) return [];
    const key = `${one.parts.map(identify).sort().join(' ')} > ${identify(wanted)}`;
    const known = refuted.get(key);
    if (known) return known;
    const assumption = assumed.get(key);
    if (assumption) {
      const isEndless = assumption.isOpen && assumption.level === level;
      return isEndless ? [doubt(one, { target: wanted, message: 'the schema refers to itself without end' })] : [];
    }
    if (depth > MAX_DEPTH || !spend(budget)) return [tooMuch(one, wanted)];
    const before = trail.length;
    const fresh = { level, isOpen: true };
    trail.push(key);
    assumed.set(key, fresh);
    depth++;
    const doubts = proveFresh(one, wanted);
    depth--;
    fresh.isOpen = false;
    if (doubts.length === 0) return doubts;
    for (const fallen of trail.splice(before)) assumed.delete(fallen);
    refuted.set(key, doubts);
    return doubts;
  }

  function proveFresh(one: SchemaCase, wanted: JsonSchema): readonly Doubt[] {
    if (typeof wanted === 'boolean') return [refuseAll(one)];
    const values = listValues(one, budget);
    if (values) {
      for (const value of values) {
        const answer = holds(wanted, value, { root: targetRoot, budget });
        const message = `${cut(value)} comes, which is not ${answer === false ? '' : 'sure to be '}taken`;
        if (answer !== true) return [doubt(one, { target: wanted, message, witnesses: () => [value] })];
      }
      return [];
    }
    const refused = proveKinds(one, wanted, prover);
    return refused.length > 0 ? refused : RULES.flatMap((rule) => rule(one, wanted, prover)).slice(0, MAX_DOUBTS);
  }

  function refuseAll(one: SchemaCase): Doubt {
    const witnesses = () => listSamples(one, { budget });
    return doubt(one, { target: false, message: 'something comes where nothing is taken', witnesses });
  }

  return provePlace([source], target);
}

function tooMuch(one: SchemaCase, target: JsonSchema): Doubt {
  return doubt(one, { target, message: 'these schemas are too much to hold against each other' });
}

const cut = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function createIdentify(): (schema: JsonObject | boolean) => string {
  const ids = new Map<JsonObject, string>();
  return (schema) => {
    if (typeof schema === 'boolean') return String(schema);
    const id = ids.get(schema) ?? String(ids.size);
    ids.set(schema, id);
    return id;
  };
}
