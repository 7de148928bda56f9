import { storableText } from '@mad/core';
import { z } from 'zod';

const orgId = z.uuid().nullish();

/** Which trail. */
export const trailRequest = z.strictObject({ orgId });

export const verifyRequest = z.strictObject({
  orgId,
  anchor: z
    .strictObject({ seq: z.int().min(0), hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits') })
    .optional(),
  onProgress: z.custom((value) => typeof value === 'function').optional(),
});

const word = storableText(200).optional();

export const listRequest = z.strictObject({
  orgId,
  actor: z.uuid().optional(),
  action: word,
  entityType: word,
  entityId: word,
  from: z.date().optional(),
  to: z.date().optional(),
  limit: z.int().min(1).max(500).optional(),
  cursor: z.string().max(2_000).optional(),
});
