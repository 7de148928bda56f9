import { storableText } from '@mad/core';
import { z } from 'zod';

/** Names of tasks, images and services. */
export const name = storableText(1_000);

/** Years that both Date and the database write with four digits. */
const [FIRST, LAST] = [new Date('0001-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59.999Z')];
const TIME = 'expected a Date of the years 1 to 9999';

const timeOr = (error: string) => z.date({ error }).min(FIRST, error).max(LAST, error);

export const time = timeOr(TIME);

/** A time, or null for never. */
export const timeOrNever = timeOr(`${TIME}, or null for never`).nullable();

/** Times from and to. */
export const between = z.strictObject({ from: time.optional(), to: time.optional() });

/** How many, of what is worked off in parts. */
export const atMost = (most: number) => z.int().min(1).max(most);
