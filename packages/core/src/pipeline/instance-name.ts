import { ValidationFailedError } from '../errors.ts';

/** What the key of an item may look like; it stands in step instances, URLs and file names. */
export const ITEM_KEY = /^[A-Za-z0-9._-]{1,100}$/;

const INSTANCE = /^([a-z][a-z0-9_-]{0,62})(?:\[([A-Za-z0-9._-]{1,100})\])?$/;

/** A step instance taken apart: the step, and for one of a fan-out the key of its item. */
export interface StepInstance {
  readonly step: string;
  readonly key?: string | undefined;
}

/** `dock` for a step that runs once, `dock[<key>]` for the item `key` of one that fans out. */
export function instanceName(step: string, key?: string | undefined): string {
  return key === undefined ? step : `${step}[${key}]`;
}

/** Takes `dock` or `dock[<key>]` apart. @throws {ValidationFailedError} for any other text. */
export function parseInstanceName(name: string): StepInstance {
  const [matched, step, key] = INSTANCE.exec(name) ?? [];
  if (matched === undefined || step === undefined) {
    throw new ValidationFailedError({
      subject: 'step instance',
      issues: [
        { pointer: '', message: 'expected the name of a step, such as dock, or of one of its items: dock[<key>]' },
      ],
    });
  }
  return key === undefined ? { step } : { step, key };
}
