import { z } from 'zod';

/** Where a value comes from: a place in the job's inputs or parameters, or in the output of a step. */
export const pointer = z
  .string()
  .regex(
    /^\/(inputs|parameters|steps)\/([^/]+)(\/.*)?$/,
    'expected a JSON Pointer such as /inputs/receptor, /parameters/box/center or /steps/dock/output/poses',
  );

/** As `pointer`, or in the item that an instance of a fan-out is for. */
export const itemPointer = z
  .string()
  .regex(
    /^\/((inputs|parameters|steps)\/([^/]+)|item)(\/.*)?$/,
    'expected a JSON Pointer such as /inputs/receptor, /parameters/box/center, /steps/dock/output/poses or, with forEach, /item/smiles',
  );

/** True for `/item` and what is below it. */
export function readsItem(from: string): boolean {
  return from === '/item' || from.startsWith('/item/');
}

const STEPS = '/steps/';

/** The step a binding reads from; undefined when it reads inputs, parameters or the item. */
export function findSourceStep(from: string): string | undefined {
  if (!from.startsWith(STEPS)) return undefined;
  const end = from.indexOf('/', STEPS.length);
  return from.slice(STEPS.length, end === -1 ? undefined : end);
}
