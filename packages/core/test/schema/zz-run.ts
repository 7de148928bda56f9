import fc from 'fast-check';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { fits } from '../../src/schema/fits.ts';
import { holds } from '../../src/schema/holds.ts';
import { findSubschema } from '../../src/schema/find-subschema.ts';
import { listSamples } from '../../src/schema/sample-values.ts';
import { listCases } from '../../src/schema/schema-cases.ts';
import { alikeSchemas, anyValue } from './arbitrary-schema.ts';
const ajv = new Ajv2020({ strict: false, strictNumbers: true, ownProperties: true, logger: false, allErrors: true });
(addFormats as any)(ajv);
function compile(schema: any) { const v = ajv.compile(schema); ajv.removeSchema(schema); return (x: any) => { try { return v(x); } catch (e) { if (e instanceof ReferenceError) fc.pre(false); return undefined; } }; }
const samplesOf = (root: any) => { const budget = { left: 5000 }; return listCases(root, [root], budget).flatMap((one) => [...listSamples(one, { budget })].slice(0, 40)); };
const seen: any = { fits: 0, misfit: 0, unproven: 0, refutable: 0, places: 0 };
let t = 0, worst = 0; let worstPair: any;
const numRuns = Number(process.argv[2]);
const r = fc.check(fc.property(alikeSchemas, fc.array(anyValue, { minLength: 20, maxLength: 20 }), ([source, target], values) => {
  const from = compile(source), to = compile(target);
  const a = performance.now();
  const { verdict, issues } = fits(source, target);
  const d = performance.now() - a; t += d; if (d > worst) { worst = d; worstPair = [source, target]; }
  seen[verdict]++;
  const all = [...values, ...samplesOf(source)];
  if (verdict === 'fits') for (const v of all) if (from(v) && !to(v)) throw new Error('fits ' + JSON.stringify(v));
  if (verdict === 'misfit') for (const { witness } of issues) if (!(from(witness) === true && to(witness) !== true)) throw new Error('misfit ' + JSON.stringify(witness));
  if (verdict === 'unproven' && all.some((v) => from(v) === true && to(v) === false)) seen.refutable++;
  for (const v of all) { const h = holds(source, v, { root: source, budget: { left: 100000 } }); const w = from(v); if (h !== undefined && w !== undefined && h !== w) throw new Error('holds ' + h + JSON.stringify(v)); }
  // projections
  for (const name of ['a', 'b', '0']) {
    const found = findSubschema(source, `/${name}`);
    if (typeof found !== 'object') continue;
    seen.places++;
    for (const v of all) if (from(v) === true && v !== null && typeof v === 'object') {
      const inner = (v as any)[name];
      if (inner === undefined) { if (found.always && !Array.isArray(v)) throw new Error('always ' + name + JSON.stringify(v)); continue; }
      if (holds(found.schema, inner, { root: source, budget: { left: 100000 } }) === false) throw new Error('place ' + name + JSON.stringify(v) + JSON.stringify(found));
    }
  }
}), { numRuns });
console.log(seen, 'ms', t / numRuns, 'worst', worst, JSON.stringify(worstPair).slice(0, 600));
if (r.failed) console.log(JSON.stringify(r.counterexample?.[0]), (r as any).errorInstance);
